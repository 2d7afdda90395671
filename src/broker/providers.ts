// Who provides what: sessions with patterns that end as those of providers do, whatever library they are made with.

import type { Route } from '../channels/index.js';
import { Router } from '../channels/index.js';
import { readWanted } from '../link/group-control.js';
import type { Session } from './session.js';

const PROVIDER = /(?:^|\/)-rpc\/\*\*\/call$/;

/** Who provides what a channel calls. */
export interface ProvidersOf {
  /** Each of them has every call. */
  readonly plain: readonly Session[];
  /** Members of groups, of which one has it. */
  readonly members: readonly Session[];
}

interface Known extends ProvidersOf {
  readonly version: number;
}

/** Whether somebody who subscribes to this provides something. */
export function isProvided(pattern: string): boolean {
  return PROVIDER.test(pattern);
}

/** Of one broker: its clients, and the bridges that lead to others. */
export class Providers {
  readonly #plain = new Router<Session>();
  readonly #members = new Router<Session>();
  // By the routes of the calls, which are shared by all calls of one caller.
  readonly #known = new WeakMap<Route<Session>, Known>();
  #version = 0;
  // The same pattern may be held for several groups, a bridge's at several distances.
  readonly #held = new Map<Session, Map<string, number>>();

  /** As `Router.admit`. */
  admit(admits: ((session: Session, channel: string) => boolean) | undefined): void {
    this.#version++;
    this.#plain.admit(admits);
    this.#members.admit(admits);
  }

  /** @param route - of the same channel. */
  find(channel: string, route: Route<Session>): ProvidersOf {
    let known = this.#known.get(route);
    if (known?.version !== this.#version) {
      known = {
        version: this.#version,
        plain: this.#plain.route(channel),
        members: this.#members.route(channel),
      };
      this.#known.set(route, known);
    }
    return known;
  }

  /** @param wanted - a pattern, or one for a group. */
  added(session: Session, wanted: string): void {
    const { pattern, group } = readWanted(wanted);
    if (!isProvided(pattern)) return;
    this.#version++;
    if (group === undefined) {
      this.#plain.subscribe(pattern, session);
      return;
    }
    let held = this.#held.get(session);
    if (held === undefined) this.#held.set(session, (held = new Map<string, number>()));
    held.set(pattern, (held.get(pattern) ?? 0) + 1);
    this.#members.subscribe(pattern, session);
  }

  removed(session: Session, wanted: string): void {
    const { pattern, group } = readWanted(wanted);
    if (!isProvided(pattern)) return;
    this.#version++;
    if (group === undefined) {
      this.#plain.unsubscribe(pattern, session);
      return;
    }
    const held = this.#held.get(session);
    const count = held?.get(pattern);
    if (held === undefined || count === undefined) return;
    if (count > 1) held.set(pattern, count - 1);
    else {
      held.delete(pattern);
      this.#members.unsubscribe(pattern, session);
    }
    if (held.size === 0) this.#held.delete(session);
  }

  /** What the session may have is another thing now: its routes are to be found again. */
  identified(session: Session): void {
    this.#version++;
    for (const pattern of session.patterns) {
      if (this.#plain.unsubscribe(pattern, session)) this.#plain.subscribe(pattern, session);
    }
    for (const pattern of this.#held.get(session)?.keys() ?? []) {
      if (this.#members.unsubscribe(pattern, session)) this.#members.subscribe(pattern, session);
    }
  }
}
