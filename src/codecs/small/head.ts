// Heads of the small codecs: decoded at once, and kept as values.

import { canonical } from '../../channels/index.js';
import type { Head, HeadFields, HeadView } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import { FORBIDDEN_KEYS, ID_KEY } from '../head-rules.js';

/** One message, decoded. Made anew for each: it may be kept. */
export class DecodedView implements HeadView {
  readonly head: Head;
  readonly time: number | undefined;
  readonly body: unknown;

  /**
   * @param sent - the head's members, in an object or not.
   * @param body - the body's value.
   * @throws {SpokeError} `MALFORMED`, `TIME_INVALID`
   */
  constructor(sent: unknown, body: unknown) {
    const fields: Record<string, unknown> = { __proto__: null };
    for (const [key, value] of Object.entries(sent ?? {})) {
      if (FORBIDDEN_KEYS.has(key)) throw malformed(`the head has the key \`${key}\`, which no peer can take`);
      fields[key] = value;
    }
    const { channel: given, time, bounce = true, persist } = fields;
    if (typeof given !== 'string') throw malformed('there is no head with a text as its `channel`');
    const channel = canonical(given);
    const seconds = typeof time === 'bigint' ? Number(time) : time;
    if (seconds !== undefined && !(typeof seconds === 'number' && Number.isFinite(seconds))) {
      throw new SpokeError('TIME_INVALID', `${channel}: \`time\` is not a finite number`, { details: { channel } });
    }
    fields['channel'] = channel;
    delete fields['time'];
    delete fields['bounce'];
    delete fields[ID_KEY];
    this.head = {
      channel,
      bounce: truth(bounce),
      persist: truth(persist),
      fields: (): HeadFields => fields,
    };
    this.time = seconds;
    this.body = body;
  }
}

/** @param cause - why, as an error or in words. */
export function malformed(cause: unknown): SpokeError {
  return new SpokeError('MALFORMED', `malformed message: ${String(cause).slice(0, 200)}`, { cause });
}

/** By Python's rules, as in the peers. */
function truth(value: unknown): boolean {
  return typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : Boolean(value);
}
