// What the clients and bridges of one broker are members of and provide, as other brokers are to know it.

import { GROUP_INTEREST_PREFIX } from '../../link/group-control.js';
import { isProvided } from '../providers.js';

/** How many want something: clients of this broker, and its bridges. */
interface Count {
  clients: number;
  bridges: number;
}

/** What is to be told of one thing: how many members, 0 for members beyond bridges alone; `undefined`: it is no more. */
export type Registration = readonly [wanted: string, count: number | undefined];

export class Registrations {
  readonly #counts = new Map<string, Count>();
  readonly #told = new Map<string, number>();
  readonly #changed = new Set<string>();
  #withdrawn = false;

  get changed(): boolean {
    return this.#changed.size > 0;
  }

  /** @param wanted - a pattern, or one for a group. @returns whether others need know of it. */
  add(wanted: string, bridge: boolean): boolean {
    return this.#count(wanted, bridge, 1);
  }

  remove(wanted: string, bridge: boolean): boolean {
    return this.#count(wanted, bridge, -1);
  }

  /** This broker takes nothing more from others. */
  withdraw(): void {
    this.#withdrawn = true;
    for (const wanted of this.#told.keys()) this.#changed.add(wanted);
  }

  /** What others do not know yet. Taken as told. @returns and whether any of it is new, not gone or another number. */
  news(): { readonly news: readonly Registration[]; readonly added: boolean } {
    const news: Registration[] = [];
    let added = false;
    for (const wanted of this.#changed) {
      const count = this.#withdrawn ? undefined : countOf(this.#counts.get(wanted));
      const before = this.#told.get(wanted);
      if (count === before) continue;
      added ||= before === undefined;
      if (count === undefined) this.#told.delete(wanted);
      else this.#told.set(wanted, count);
      news.push([wanted, count]);
    }
    this.#changed.clear();
    return { news, added };
  }

  /** All that was told. */
  all(): Registration[] {
    return [...this.#told];
  }

  #count(wanted: string, bridge: boolean, difference: number): boolean {
    if (!wanted.startsWith(GROUP_INTEREST_PREFIX) && !isProvided(wanted)) return false;
    const count = this.#counts.get(wanted) ?? { clients: 0, bridges: 0 };
    if (bridge) count.bridges += difference;
    else count.clients += difference;
    if (count.clients + count.bridges > 0) this.#counts.set(wanted, count);
    else this.#counts.delete(wanted);
    this.#changed.add(wanted);
    return true;
  }
}

function countOf(count: Count | undefined): number | undefined {
  return count === undefined ? undefined : count.clients;
}
