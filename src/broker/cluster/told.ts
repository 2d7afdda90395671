// What brokers of one cluster tell each other, apart from messages of clients: news of themselves as JSON, and messages for the
// member of a group that the teller has chosen.

import { stringify } from '../../codecs/json/stringify.js';
import { memberOf } from '../../link/kept-control.js';
import type { Envelope } from './envelope.js';
import { readEnvelope, writeEnvelope } from './envelope.js';

const enum Told {
  News = 1,
  Given = 2,
  Answer = 3,
}

/** Stands before the answer to a call, as it is published, when it goes to the broker of the caller. */
export const ANSWER = new Uint8Array([Told.Answer]);

/** Of itself: `op` says what. */
export interface News {
  readonly op: string;
  /** The broker that tells it. */
  readonly by: string;
  readonly [about: string]: unknown;
}

/** A message for one member of a group. */
export interface Given {
  readonly group: string;
  /** Brokers whose members could not take it. */
  readonly tried: readonly string[];
  /** The broker that waits for the answer, when it is a call. */
  readonly caller?: string | undefined;
}

const LENGTH_AT = 1;
const ABOUT_AT = 3;
/** Heads of given messages that are written once. */
const REMEMBERED = 1000;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function writeNews(news: News): Uint8Array {
  return encoder.encode(String.fromCharCode(Told.News) + stringify(news));
}

/** `undefined`: that is none, or of a later version. */
export function readNews(data: Uint8Array): News | undefined {
  if (data[0] !== Told.News) return undefined;
  let news: unknown;
  try {
    news = JSON.parse(decoder.decode(data.subarray(1)));
  } catch {
    return undefined;
  }
  return isNews(news) ? news : undefined;
}

/** Writes messages for members: of one broker. */
export class GivenWriter {
  readonly #heads = new Map<string, Uint8Array>();

  /** @param range - where the frame is. */
  write(
    given: Given,
    envelope: Omit<Envelope, 'frame'>,
    range: { readonly block: Uint8Array; readonly start: number; readonly end: number },
  ): Uint8Array {
    return writeEnvelope(envelope, range, given.tried.length === 0 ? this.#head(given) : writeHead(given));
  }

  #head(given: Given): Uint8Array {
    const key = `${given.caller ?? ''}/${given.group}`;
    let head = this.#heads.get(key);
    if (head === undefined) {
      if (this.#heads.size >= REMEMBERED) this.#heads.clear();
      this.#heads.set(key, (head = writeHead(given)));
    }
    return head;
  }
}

/** `undefined`: it is none. */
export function readGiven(data: Uint8Array): { readonly given: Given; readonly envelope: Envelope } | undefined {
  if (data[0] !== Told.Given || data.length < ABOUT_AT) return undefined;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const end = ABOUT_AT + view.getUint16(LENGTH_AT, true);
  const envelope = readEnvelope(data.subarray(end));
  if (envelope === undefined) return undefined;
  try {
    const about: unknown = JSON.parse(decoder.decode(data.subarray(ABOUT_AT, end)));
    const given = readAbout(about);
    return given && { given, envelope };
  } catch {
    return undefined;
  }
}

/** The answer to a call of a client here: an envelope; `undefined`: it is none. */
export function readAnswer(data: Uint8Array): Uint8Array | undefined {
  return data[0] === Told.Answer ? data.subarray(1) : undefined;
}

function writeHead(given: Given): Uint8Array {
  const about = encoder.encode(JSON.stringify(given));
  const head = new Uint8Array(ABOUT_AT + about.length);
  head[0] = Told.Given;
  new DataView(head.buffer).setUint16(LENGTH_AT, about.length, true);
  head.set(about, ABOUT_AT);
  return head;
}

function readAbout(about: unknown): Given | undefined {
  const group = memberOf(about, 'group');
  const tried = memberOf(about, 'tried');
  const caller = memberOf(about, 'caller');
  if (typeof group !== 'string' || !Array.isArray(tried)) return undefined;
  return {
    group,
    tried: tried.filter((one) => typeof one === 'string'),
    caller: typeof caller === 'string' ? caller : undefined,
  };
}

function isNews(value: unknown): value is News {
  return typeof memberOf(value, 'op') === 'string' && typeof memberOf(value, 'by') === 'string';
}
