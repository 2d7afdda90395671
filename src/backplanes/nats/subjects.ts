// Channels as subjects of NATS, and back: any token of a channel becomes one token of a subject, and `!` ends each, so that
// `a/**` is `a.>`, which takes in `a` itself.
//
// <prefix>.c.m.<tokens>.!    live messages
// <prefix>.c.k.<tokens>.!    persistent ones, which a stream keeps
// <prefix>.c.h-<history>.<tokens>.!  recorded ones, live or persistent, which the stream of that history keeps
// <prefix>.b.<broker>        what brokers tell each other; `all` for everyone; `history`: there is a history more

import { tokens } from '../../channels/index.js';

const END = '!';
const SAFE = /^[\w-]+$/;
const UNSAFE = /[^\w-]/g;
const ESCAPED = /%u([\da-f]{4})|%([\da-f]{2})/g;
const MAX_REMEMBERED = 10_000;

export const PREFIX = /^[\w-]+$/;

/** Subjects of one cluster. */
export class Subjects {
  /** Of everything that is kept. */
  readonly allKept: string;
  readonly #prefix: string;
  readonly #live: string;
  readonly #kept: string;
  // Channels repeat.
  readonly #known = new Map<string, string>();

  /** @param prefix - letters, digits, `_` and `-`. */
  constructor(prefix: string) {
    this.#prefix = prefix;
    this.#live = `${prefix}.c.m.`;
    this.#kept = `${prefix}.c.k.`;
    this.allKept = `${this.#kept}>`;
  }

  live(channel: string): string {
    let subject = this.#known.get(channel);
    if (subject === undefined) {
      if (this.#known.size >= MAX_REMEMBERED) this.#known.clear();
      subject = this.#live + path(channel);
      this.#known.set(channel, subject);
    }
    return subject;
  }

  kept(channel: string): string {
    return this.#kept + path(channel);
  }

  /** Live and kept messages on channels that match a pattern, which has a `**` at its end or none. */
  matching(pattern: string): string {
    return `${this.#prefix}.c.*.${matchingPath(pattern)}`;
  }

  /** What a history records. @param id - of the history: letters, digits, `_` and `-`. */
  recorded(id: string, channel: string): string {
    return `${this.#prefix}.c.h-${id}.${path(channel)}`;
  }

  /** Of one history, what is on channels that match a pattern as for `matching`. */
  recordedMatching(id: string, pattern: string): string {
    return `${this.#prefix}.c.h-${id}.${matchingPath(pattern)}`;
  }

  /** The channel of something that is kept. */
  channelOf(subject: string): string {
    const parts = subject.slice(this.#kept.length).split('.');
    return parts.slice(0, -1).map(unescapeToken).join('/');
  }

  broker(id: string | undefined): string {
    return `${this.#prefix}.b.${id ?? 'all'}`;
  }
}

function matchingPath(pattern: string): string {
  const parts = tokens(pattern);
  const subject = parts.map((token) => (token === '**' ? '>' : token === '*' ? '*' : escapeToken(token)));
  if (parts[parts.length - 1] !== '**') subject.push(END);
  return subject.join('.');
}

// A wildcard token of a channel is an ordinary one.
function path(channel: string): string {
  let subject = '';
  for (const token of tokens(channel)) subject += `${escapeToken(token)}.`;
  return subject + END;
}

// UTF-16 units, not bytes of UTF-8: half a pair is another channel than the other half.
function escapeToken(token: string): string {
  return SAFE.test(token) ? token : token.replace(UNSAFE, escapeLetter);
}

function escapeLetter(letter: string): string {
  const code = letter.charCodeAt(0).toString(16);
  return code.length <= 2 ? `%${code.padStart(2, '0')}` : `%u${code.padStart(4, '0')}`;
}

function unescapeToken(token: string): string {
  if (!token.includes('%')) return token;
  return token.replace(ESCAPED, (_, long?: string, short?: string) =>
    String.fromCharCode(Number.parseInt(long ?? short ?? '', 16)),
  );
}
