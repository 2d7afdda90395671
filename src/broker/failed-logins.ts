// Who guesses passwords gets slow: logins that failed are counted by the address they came from.

import type { Clock } from '../contracts/index.js';

/** So many may fail at once, and then one after each pause. */
const MOST = 10;
const PAUSE = 6000;
/** Addresses remembered. More are an attack, whose oldest are forgotten. */
const ADDRESSES = 10_000;

// The port is another one for each connection. Of IPv6 a household has 2^64 addresses: their first half counts.
const HOST = /^([a-z][\w+.-]*:\/\/)(\[[^\]]*\]|[^/:#?]*)(?::\d+)?/i;

export class FailedLogins {
  readonly #clock: Clock;
  /** By host: failures, of which one is forgotten after each pause, as of a time. */
  readonly #failures = new Map<string, { readonly count: number; readonly at: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the next one from there is not even looked at. */
  tooMany(address: string): boolean {
    return this.#count(hostOf(address)) >= MOST;
  }

  add(address: string): void {
    const host = hostOf(address);
    const count = this.#count(host) + 1;
    this.#failures.delete(host);
    const [oldest] = this.#failures.keys();
    if (this.#failures.size >= ADDRESSES && oldest !== undefined) this.#failures.delete(oldest);
    this.#failures.set(host, { count, at: this.#clock.monotonic() });
  }

  #count(host: string): number {
    const failures = this.#failures.get(host);
    if (failures === undefined) return 0;
    return Math.max(0, failures.count - (this.#clock.monotonic() - failures.at) / PAUSE);
  }
}

/** Without its port; what has none is returned as it is. */
export function hostOf(address: string): string {
  const host = HOST.exec(address)?.[2];
  if (host === undefined || host === '') return address;
  if (!host.startsWith('[')) return host;
  // As the system writes it: `::` stands for zeros.
  const [before = '', after] = host.slice(1, -1).split('::');
  const groups = before.split(':').filter((group) => group !== '');
  const rest = after === undefined ? [] : after.split(':').filter((group) => group !== '');
  const zeros = Array.from({ length: Math.max(0, 8 - groups.length - rest.length) }, () => '0');
  return [...groups, ...zeros, ...rest].slice(0, 4).join(':');
}
