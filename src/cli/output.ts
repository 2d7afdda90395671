// Everything the commands print goes through here: messages to standard output, remarks and failures to standard error.

import { stringify } from '../codecs/json/stringify.js';
import { SpokeError } from '../contracts/index.js';

// Channels, bodies and errors come from the network, and a terminal obeys control characters.
// oxlint-disable-next-line no-control-regex -- these are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/** One line of text on standard output. */
export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** One JSON object a line on standard output. */
export function printJson(value: object): void {
  printLine(jsonText(value));
}

/** One line on standard error. */
export function note(text: string): void {
  process.stderr.write(`${printable(text)}\n`);
}

/** A body as JSON. What JSON cannot say (binary data of another codec) is written as Base64 text. */
export function jsonText(body: unknown): string {
  // In JSON, control characters stand inside texts only, where the escape means the same.
  return printable(textOf(body));
}

/** The text with its control characters written as `\uXXXX`. */
export function printable(text: string): string {
  return text.replace(CONTROL, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function textOf(body: unknown): string {
  try {
    return stringify(body);
  } catch (error) {
    if (!(error instanceof SpokeError)) throw error;
    return JSON.stringify(body, (_key, value: unknown) => {
      if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
      return typeof value === 'bigint' ? value.toString() : value;
    });
  }
}
