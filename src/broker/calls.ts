// Remote calls in flight: who waits for which, and who is at work on it (docs/protocol.md#calls).

import type { Session } from './session.js';

/** One call. */
export interface CallInFlight {
  /** What all its channels begin with. */
  readonly base: string;
  readonly caller: Session;
  /** Those that it was given to, and that have not ended. */
  readonly providers: Set<Session>;
}

const NONE: ReadonlySet<CallInFlight> = new Set();

/** Of one broker. A call is in it from when it was given to somebody until a result, or a cancel, passes. */
export class Calls {
  readonly #byBase = new Map<string, CallInFlight>();
  // By caller and by provider: one that ends is not sought among all.
  readonly #made = new Map<Session, Set<CallInFlight>>();
  readonly #given = new Map<Session, Set<CallInFlight>>();

  /** Told when the last one has ended. */
  idle: () => void = () => {};

  get size(): number {
    return this.#byBase.size;
  }

  madeBy(session: Session): ReadonlySet<CallInFlight> {
    return this.#made.get(session) ?? NONE;
  }

  givenTo(session: Session): ReadonlySet<CallInFlight> {
    return this.#given.get(session) ?? NONE;
  }

  add(call: CallInFlight): void {
    this.end(call.base);
    this.#byBase.set(call.base, call);
    note(this.#made, call.caller, call);
    for (const provider of call.providers) note(this.#given, provider, call);
  }

  end(base: string): void {
    const call = this.#byBase.get(base);
    if (call === undefined) return;
    this.#byBase.delete(base);
    this.#made.get(call.caller)?.delete(call);
    for (const provider of call.providers) this.#given.get(provider)?.delete(call);
    if (this.#byBase.size === 0) this.idle();
  }

  /** The session has ended: nothing is known of it any more. */
  forget(session: Session): void {
    this.#made.delete(session);
    this.#given.delete(session);
  }
}

function note(calls: Map<Session, Set<CallInFlight>>, session: Session, call: CallInFlight): void {
  const known = calls.get(session);
  if (known === undefined) calls.set(session, new Set([call]));
  else known.add(call);
}
