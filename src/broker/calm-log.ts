// A log that a flood cannot fill: of one kind of warning so many lines a second, and then how many more there were.

import type { Clock, Limits, Logger } from '../contracts/index.js';

const SECOND = 1000;
/** Kinds told apart within a second; what is more counts as one. */
const KINDS = 100;

interface Kind {
  lines: number;
  more: number;
  readonly level: 'warn' | 'error';
  readonly text: string;
}

/** Passes on what a broker logs. Lines of one kind begin alike, up to a colon, and have the same `code`. */
export class CalmLog implements Logger {
  /** Lines left out since the start. */
  omitted = 0;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #limits: Pick<Limits, 'logLines'>;
  readonly #kinds = new Map<string, Kind>();
  #cancel: (() => void) | undefined;
  #since = -Infinity;

  constructor(log: Logger, clock: Clock, limits: Pick<Limits, 'logLines'>) {
    this.#log = log;
    this.#clock = clock;
    this.#limits = limits;
  }

  debug(fields: object, text: string): void {
    this.#log.debug(fields, text);
  }

  info(fields: object, text: string): void {
    this.#log.info(fields, text);
  }

  warn(fields: object, text: string): void {
    if (this.#admits('warn', fields, text)) this.#log.warn(fields, text);
  }

  error(fields: object, text: string): void {
    if (this.#admits('error', fields, text)) this.#log.error(fields, text);
  }

  /** Says what is still to be said. */
  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    for (const { level, more, text } of this.#kinds.values()) {
      if (more > 0) this.#log[level]({ more, text }, `${more} more like this in a second: ${text}`);
    }
    this.#kinds.clear();
  }

  #admits(level: Kind['level'], fields: object, text: string): boolean {
    const now = this.#clock.monotonic();
    if (now - this.#since >= SECOND && this.#cancel === undefined) {
      this.#since = now;
      this.#kinds.clear();
    }
    const name = `${level} ${codeOf(fields)} ${text.split(':', 1)[0] ?? ''}`;
    const known = this.#kinds.has(name) || this.#kinds.size < KINDS ? name : '';
    let kind = this.#kinds.get(known);
    if (kind === undefined) this.#kinds.set(known, (kind = { lines: 0, more: 0, level, text }));
    if (kind.lines < this.#limits.logLines) {
      kind.lines++;
      return true;
    }
    kind.more++;
    this.omitted++;
    this.#cancel ??= this.#clock.setTimer(SECOND, () => this.close());
    return false;
  }
}

function codeOf(fields: object): string {
  const { code, err }: { code?: unknown; err?: unknown } = fields;
  if (typeof code === 'string') return code;
  return typeof err === 'object' && err !== null ? codeOf(err) : '';
}
