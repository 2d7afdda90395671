// Remote calls in flight: who waits for which, and who is at work on it (docs/protocol.md#calls).
//
// Hot: three small objects a call, and nothing sought but by its name.

import { BriefMap } from '../link/index.js';
import type { Peer } from './cluster/peer.js';
import type { Session } from './session.js';

/** Who calls or provides: a client or a bridge, or another broker of the cluster for its own. */
export type Party = Session | Peer;

/** One call. */
export interface CallInFlight {
  /** What all its channels begin with. */
  readonly base: string;
  readonly caller: Party;
  /** Those that it was given to, and that have not ended. */
  readonly providers: readonly Party[];
}

/** A place in a list: what is in it knows where, so that it is taken out without being sought. */
interface Place {
  readonly call: Call;
  at: number;
}

class Call implements CallInFlight, Place {
  readonly base: string;
  readonly caller: Party;
  providers: readonly Party[];
  readonly call = this;
  at = 0;
  /** Its places in the lists of its providers, in their order. */
  readonly given: Place[] = [];

  constructor(base: string, caller: Party, providers: readonly Party[]) {
    this.base = base;
    this.caller = caller;
    this.providers = providers;
  }
}

/** Of one broker. A call is in it from when it was given to somebody until a result, or a cancel, passes. */
export class Calls {
  readonly #byBase = new BriefMap<Call>();
  // By caller and by provider: one that ends is not sought among all.
  readonly #made = new Map<Party, Place[]>();
  readonly #given = new Map<Party, Place[]>();

  /** Told when the last one has ended. */
  idle: () => void = () => {};

  get size(): number {
    return this.#byBase.size;
  }

  /** How many calls of one wait. */
  countOf(party: Party): number {
    return this.#made.get(party)?.length ?? 0;
  }

  madeBy(party: Party): CallInFlight[] {
    return this.#made.get(party)?.map(({ call }) => call) ?? [];
  }

  givenTo(party: Party): CallInFlight[] {
    return this.#given.get(party)?.map(({ call }) => call) ?? [];
  }

  /** @param providers - at least one; each once. */
  add(base: string, caller: Party, providers: readonly Party[]): void {
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
  leave(base: string, provider: Party): void {
    const call = this.#byBase.get(base);
    const at = call?.providers.indexOf(provider) ?? -1;
    if (call === undefined || at < 0) return;
    const [place] = call.given.splice(at, 1);
    if (place !== undefined) take(this.#given, provider, place);
    call.providers = call.providers.filter((one) => one !== provider);
  }

  get(base: string): CallInFlight | undefined {
    return this.#byBase.get(base);
  }

  /** @returns what it was; `undefined`: it is not known. */
  end(base: string): CallInFlight | undefined {
    const call = this.#byBase.get(base);
    if (call === undefined) return undefined;
    this.#byBase.delete(base);
    take(this.#made, call.caller, call);
    const { providers, given } = call;
    for (let i = 0; i < given.length; i++) {
      const place = given[i];
      const provider = providers[i];
      if (place !== undefined && provider !== undefined) take(this.#given, provider, place);
    }
    if (this.#byBase.size === 0) this.idle();
    return call;
  }

  /** It has ended: nothing is known of it any more. */
  forget(party: Party): void {
    this.#made.delete(party);
    this.#given.delete(party);
  }
}

function put(lists: Map<Party, Place[]>, party: Party, place: Place): void {
  const list = lists.get(party);
  if (list === undefined) lists.set(party, [place]);
  else place.at = list.push(place) - 1;
}

// The last one takes its place.
function take(lists: Map<Party, Place[]>, party: Party, place: Place): void {
  const list = lists.get(party);
  const last = list?.pop();
  if (list === undefined || last === undefined || last === place) return;
  list[place.at] = last;
  last.at = place.at;
}
