// The head of a JSON message: what it says, and how it goes out again.

import type { Head, HeadFields } from '../../contracts/index.js';
import { GROUP_KEY, ID_KEY } from '../head-rules.js';
import type { KnownText } from './words.js';

/** A head rewritten for the way out, around the text of its time. */
export interface Rewritten {
  /** From the message's first byte on, up to where the time's number goes. */
  readonly before: KnownText;
  /** From there up to the body. */
  readonly after: KnownText;
}

/** Immutable, apart from what it remembers of itself. Shared by all messages with this head. */
export class JsonHead implements Head {
  readonly channel: string;
  readonly bounce: boolean;
  readonly persist: boolean;
  /** `undefined`: the head goes out as the bytes it came in, plus a time. */
  readonly rewritten: Rewritten | undefined;
  /** Whether it is rewritten for no other reason than that it has an `-id`. */
  readonly identified: boolean;
  /** The head as text, when it has members beyond those above. */
  readonly #text: string | undefined;
  /** Its `-group`, when that was found without reading the text. */
  readonly #group: string | undefined;
  #fields: HeadFields | undefined;

  constructor(
    channel: string,
    bounce: boolean,
    persist: boolean,
    rewritten?: Rewritten,
    text?: string,
    identified = false,
    group?: string,
  ) {
    this.channel = channel;
    this.bounce = bounce;
    this.persist = persist;
    this.rewritten = rewritten;
    this.identified = identified;
    this.#text = text;
    this.#group = group;
  }

  /** Whether it says nothing beyond the above. */
  get isPlain(): boolean {
    return this.#text === undefined && this.#group === undefined;
  }

  /** Frozen to the bottom: other messages see the same object. */
  fields(): HeadFields {
    return (this.#fields ??= this.#decode());
  }

  #decode(): HeadFields {
    if (this.#text === undefined && this.#group !== undefined) return new GroupFields(this.channel, this.#group);
    // Without a prototype, `__proto__` is a key like any other.
    const fields: Record<string, unknown> = { __proto__: null };
    if (this.#text === undefined) {
      fields['channel'] = this.channel;
    } else {
      const parsed: unknown = JSON.parse(this.#text);
      for (const [key, value] of Object.entries(parsed ?? {})) {
        if (key === 'channel') fields[key] = this.channel;
        else if (key !== 'time' && key !== 'bounce' && key !== ID_KEY) fields[key] = freeze(value);
      }
    }
    return Object.freeze(fields);
  }
}

/** Of a call for a member of a group: made for each, and several times faster than an object with no prototype. */
class GroupFields {
  readonly [key: string]: unknown;
  readonly channel: string;
  readonly [GROUP_KEY]: string;

  static {
    // Nothing is inherited.
    Object.setPrototypeOf(this.prototype, null);
    Reflect.deleteProperty(this.prototype, 'constructor');
  }

  constructor(channel: string, group: string) {
    this.channel = channel;
    this[GROUP_KEY] = group;
    Object.freeze(this);
  }
}

// Not recursive: how deep a head nests is up to the limits.
function freeze(value: unknown): unknown {
  const waiting = [value];
  while (waiting.length > 0) {
    const next = waiting.pop();
    if (typeof next !== 'object' || next === null) continue;
    Object.freeze(next);
    for (const key of Object.keys(next)) waiting.push(Reflect.get(next, key));
  }
  return value;
}
