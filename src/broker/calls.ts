// Remote calls in flight: who waits for which, and who is at work on it (docs/protocol.md#calls).
//
// Hot: three small objects a call, and nothing sought but by its name.

import type { Session } from './session.js';

/** One call. */
export interface CallInFlight {
  /** What all its channels begin with. */
  readonly base: string;
  readonly caller: Session;
  /** Those that it was given to, and that have not ended. */
  readonly providers: readonly Session[];
}

/** A place in a list: what is in it knows where, so that it is taken out without being sought. */
interface Place {
  readonly call: Call;
  at: number;
}

class Call implements CallInFlight, Place {
  readonly base: string;
  readonly caller: Session;
  providers: readonly Session[];
  readonly call = this;
  at = 0;
  /** Its places in the lists of its providers, in their order. */
  readonly given: Place[] = [];

  constructor(base: string, caller: Session, providers: readonly Session[]) {
    this.base = base;
    this.caller = caller;
    this.providers = providers;
  }
}

/** Of one broker. A call is in it from when it was given to somebody until a result, or a cancel, passes. */
export class Calls {
  readonly #byBase = new Map<string, Call>();
  // By caller and by provider: one that ends is not sought among all.
  readonly #made = new Map<Session, Place[]>();
  readonly #given = new Map<Session, Place[]>();

  /** Told when the last one has ended. */
  idle: () => void = () => {};

  get size(): number {
    return this.#byBase.size;
  }

  /** How many calls of a session wait. */
  countOf(session: Session): number {
    return this.#made.get(session)?.length ?? 0;
  }

  madeBy(session: Session): CallInFlight[] {
    return this.#made.get(session)?.map(({ call }) => call) ?? [];
  }

  givenTo(session: Session): CallInFlight[] {
    return this.#given.get(session)?.map(({ call }) => call) ?? [];
  }

  /** @param providers - at least one; each once. */
  add(base: string, caller: Session, providers: readonly Session[]): void {
    this.end(base);
    const call = new Call(base, caller, providers);
    this.#byBase.set(base, call);
    put(this.#made, caller, call);
    for (const provider of providers) {
      const place = { call, at: 0 };
      call.given.push(place);
      put(this.#given, provider, place);
    }
  }

  /** One provider of a call has ended. */
  leave(base: string, provider: Session): void {
    const call = this.#byBase.get(base);
    const at = call?.providers.indexOf(provider) ?? -1;
    if (call === undefined || at < 0) return;
    const [place] = call.given.splice(at, 1);
    if (place !== undefined) take(this.#given, provider, place);
    call.providers = call.providers.filter((one) => one !== provider);
  }

  end(base: string): void {
    const call = this.#byBase.get(base);
    if (call === undefined) return;
    this.#byBase.delete(base);
    take(this.#made, call.caller, call);
    const { providers, given } = call;
    for (let i = 0; i < given.length; i++) {
      const place = given[i];
      const provider = providers[i];
      if (place !== undefined && provider !== undefined) take(this.#given, provider, place);
    }
    if (this.#byBase.size === 0) this.idle();
  }

  /** The session has ended: nothing is known of it any more. */
  forget(session: Session): void {
    this.#made.delete(session);
    this.#given.delete(session);
  }
}

function put(lists: Map<Session, Place[]>, session: Session, place: Place): void {
  const list = lists.get(session);
  if (list === undefined) lists.set(session, [place]);
  else place.at = list.push(place) - 1;
}

// The last one takes its place.
function take(lists: Map<Session, Place[]>, session: Session, place: Place): void {
  const list = lists.get(session);
  const last = list?.pop();
  if (list === undefined || last === undefined || last === place) return;
  list[place.at] = last;
  last.at = place.at;
}
