// Subscriptions as a member of a group: of all members, one gets each message (docs/protocol.md#feature-groups).

import { canonical, Router } from '../channels/index.js';
import type { ClientCodec, Clock, Head, HeadFields, HeadView } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import * as groupControl from '../link/group-control.js';
import { GroupSubscription } from './group-subscription.js';
import { Message } from './message.js';
import type { Offer } from './offer.js';
import type { SubscribeOptions } from './subscribe-options.js';
import type { MessageHandler, Subscription, SubscriptionOwner } from './subscription.js';
import { waitFor } from './wait-for.js';
import { Work } from './work.js';

/** What they need of their client. */
export interface GroupHost {
  readonly url: string;
  readonly clock: Clock;
  readonly codec: ClientCodec;
  readonly offer: Offer;
  readonly iteratorMessages: number;
  /** Milliseconds that closing takes at the most. */
  readonly closeTimeout: number;
  connected(): boolean;
  /** Sends a control message to the broker. */
  tell(channel: string, body: unknown): void;
  /** Resolves when the broker has handled what was sent before. */
  flush(): Promise<void>;
  /** Subscribes without a group. */
  plain(pattern: string, handler: MessageHandler): Promise<Subscription>;
  report(error: SpokeError): void;
}

/** What the broker is told once, for all subscriptions of one pattern and group. */
interface Membership {
  readonly pattern: string;
  readonly group: string;
  readonly subscriptions: Set<GroupSubscription>;
  /** Stands in with a broker that has no groups. */
  plain: Promise<Subscription | undefined> | undefined;
  turn: number;
}

/** The groups that one client is in. */
export class Groups {
  /** How often a broker was told of a membership. */
  told = 0;
  readonly #host: GroupHost;
  readonly #owner: SubscriptionOwner;
  readonly #memberships = new Map<string, Membership>();
  readonly #routes = new Router<GroupSubscription>();
  readonly #undecided = new Map<GroupSubscription, (error: SpokeError) => void>();
  /** What members are at work on. */
  readonly #work = new Work();
  /** Marks of the present connection begin with it; `undefined`: the broker has no groups, or it is not known. */
  #prefix: string | undefined;
  #nonce = '';
  /** Resolves when it is known what the present broker offers; another one for each connection. */
  #decided = new Signal();
  /** Resolves when the present connection ends. */
  #lost = new Signal();
  #closed: { readonly reason: unknown } | undefined;

  constructor(host: GroupHost) {
    this.#host = host;
    this.#owner = {
      iteratorMessages: host.iteratorMessages,
      remove: (subscription) => this.#remove(subscription),
      report: (error) => host.report(error),
    };
    host.offer.onDecided((features) => this.#decide(features.has('groups')));
  }

  /** Whether there are any: else no message need be looked at. */
  get active(): boolean {
    return this.#routes.size > 0;
  }

  /** The broker has welcomed the client on the present connection. */
  welcomed(nonce: string): void {
    this.#nonce = nonce;
  }

  /**
   * Subscribes as a member of `options.group`. Resolves when the broker knows.
   * @throws {SpokeError} `UNSUPPORTED`, `ABORTED`, `CLOSED`; the broker's code when it refuses.
   */
  async subscribe(
    pattern: string,
    group: string,
    handler: MessageHandler | undefined,
    options: SubscribeOptions,
  ): Promise<GroupSubscription> {
    if (this.#closed !== undefined) throw this.#closed.reason;
    if (typeof pattern !== 'string') throw new TypeError('subscribe: the pattern must be a string');
    const { signal } = options;
    if (signal?.aborted === true) {
      throw new SpokeError('ABORTED', `subscribing to ${pattern}: aborted`, { cause: signal.reason });
    }
    const subscription = this.#add(canonical(pattern), requireName(group), handler, options);
    try {
      await waitFor(this.#accepted(subscription), options, this.#host.clock, () => `subscribing to ${pattern}`);
      return subscription;
    } catch (error) {
      await subscription.unsubscribe();
      throw error;
    }
  }

  /** Whether a message was for a member of a group, and has been given to one. */
  message(view: HeadView): boolean {
    const mark = view.head.fields()[groupControl.GROUP_KEY];
    if (this.#prefix === undefined || typeof mark !== 'string' || !mark.startsWith(this.#prefix)) return false;
    const group = mark.slice(this.#prefix.length);
    const route = this.#routes.find(view.head.channel).groups.find((one) => one.group.name === group);
    if (route === undefined) return true;
    // One that is leaving gets what no other can take.
    const staying = route.members.some(isLeaving) ? route.members.filter((one) => !one.leaving) : route.members;
    const members = staying.length > 0 ? staying : route.members;
    const member = members[route.group.turn++ % members.length];
    member?.deliver(new Message(new MemberHead(view.head), view.time, this.#host.codec.decodeBody(view), false));
    return true;
  }

  /** The broker refused to make this client a member for a pattern. */
  refused(pattern: string, error: SpokeError): void {
    let waiting = false;
    for (const [subscription, reject] of this.#undecided) {
      if (subscription.pattern !== pattern) continue;
      waiting = true;
      reject(error);
    }
    if (!waiting) this.#host.report(error);
  }

  /** There is a connection: what its broker offers has to become known. */
  connected(): void {
    if (this.#memberships.size > 0) this.#host.offer.ask();
  }

  /** The connection has ended. */
  lost(): void {
    this.#prefix = undefined;
    // Whoever waits for it waits on.
    if (this.#decided.isGiven) this.#decided = new Signal();
    this.#lost.give();
    this.#lost = new Signal();
  }

  /**
   * Leaves all groups; resolves when nothing more is on its way and members have done what they were given, or when there is no use
   * in waiting. `undefined`: that is so already.
   */
  closing(): Promise<void> | undefined {
    const { closeTimeout: timeout, clock } = this.#host;
    if (timeout === 0) return undefined;
    // Without a connection neither comes anything nor could results go.
    if ((this.#memberships.size === 0 && this.#work.idle) || this.#prefix === undefined) return undefined;
    return waitFor(this.#drained(), { timeout }, clock, () => this.#undrained()).catch((error: unknown) => {
      if (error instanceof SpokeError) this.#host.report(error);
    });
  }

  closed(reason: unknown): void {
    this.#closed = { reason };
    this.#decided.give();
    this.#lost.give();
    for (const { subscriptions } of this.#memberships.values()) for (const one of subscriptions) one.end();
    this.#memberships.clear();
    this.#routes.clear();
  }

  async #drained(): Promise<void> {
    const memberships = [...this.#memberships.values()];
    const members = memberships.flatMap(({ subscriptions }) => [...subscriptions]);
    const lost = this.#lost.given;
    await Promise.all(memberships.map((membership) => this.#leave(membership)));
    // Loops that read them end after what they have.
    for (const member of members) member.end();
    await Promise.race([this.#work.done(), lost]);
  }

  #undrained(): string {
    const { size } = this.#work;
    return size > 0
      ? `closing: members of groups were still at work on ${size} messages: not done`
      : `closing: no word from ${this.#host.url} that it has heard that this client leaves its groups, so messages may be lost: none`;
  }

  #add(
    pattern: string,
    group: string,
    handler: MessageHandler | undefined,
    options: SubscribeOptions,
  ): GroupSubscription {
    const subscription = new GroupSubscription(pattern, group, handler, this.#owner, options, this.#work);
    const key = keyOf(subscription);
    let membership = this.#memberships.get(key);
    if (membership === undefined) {
      membership = { pattern, group, subscriptions: new Set(), plain: undefined, turn: 0 };
      this.#memberships.set(key, membership);
    }
    membership.subscriptions.add(subscription);
    this.#routes.join(pattern, group, subscription);
    if (options.signal !== undefined) subscription.endWith(options.signal);
    if (this.#host.offer.features === undefined) this.#host.offer.ask();
    else this.#tell(membership);
    return subscription;
  }

  // A connection that is lost meanwhile starts it anew.
  async #accepted(subscription: GroupSubscription): Promise<void> {
    const refused = new Promise<never>((_, reject) => this.#undecided.set(subscription, reject));
    refused.catch(() => {});
    try {
      for (;;) {
        await Promise.race([this.#decided.given, refused]);
        if (this.#closed !== undefined) throw this.#closed.reason;
        const connection = this.#lost;
        if (this.#prefix === undefined && !subscription.optional) throw unsupported(this.#host.url);
        await Promise.race([this.#memberships.get(keyOf(subscription))?.plain, refused]);
        await Promise.race([this.#host.flush(), refused]);
        if (connection === this.#lost && this.#decided.isGiven) return;
      }
    } finally {
      this.#undecided.delete(subscription);
    }
  }

  #decide(hasGroups: boolean): void {
    this.#prefix = hasGroups ? groupControl.markOf(this.#nonce, '') : undefined;
    for (const membership of this.#memberships.values()) this.#tell(membership);
    this.#decided.give();
  }

  #tell(membership: Membership): void {
    const { pattern, group, subscriptions } = membership;
    if (this.#prefix !== undefined) {
      this.told++;
      this.#host.tell(groupControl.JOIN, { pattern, group });
      void membership.plain?.then((plain) => plain?.unsubscribe());
      membership.plain = undefined;
      return;
    }
    const optional = [...subscriptions].some((one) => one.optional);
    if (optional) membership.plain ??= this.#standIn(membership);
    if ([...subscriptions].some((one) => !one.optional && !this.#undecided.has(one))) {
      this.#host.report(unsupported(this.#host.url));
    }
  }

  // Never rejects.
  async #standIn(membership: Membership): Promise<Subscription | undefined> {
    const handler = (message: Message) => {
      // With a broker that has groups the member's copy counts.
      if (this.#prefix !== undefined) return;
      const members = [...membership.subscriptions].filter(({ optional }) => optional);
      members[membership.turn++ % members.length]?.deliver(message);
    };
    try {
      return await this.#host.plain(membership.pattern, handler);
    } catch (error) {
      // A closed client says so itself.
      if (error instanceof SpokeError && error.code !== 'CLOSED') this.refused(membership.pattern, error);
      return undefined;
    }
  }

  async #remove(subscription: Subscription): Promise<void> {
    if (!(subscription instanceof GroupSubscription)) return;
    const { pattern, group } = subscription;
    const membership = this.#memberships.get(keyOf(subscription));
    const last = membership?.subscriptions.delete(subscription) === true && membership.subscriptions.size === 0;
    if (membership !== undefined && last) await this.#leave(membership);
    this.#routes.leave(pattern, group, subscription);
  }

  // What was given to this member before the broker heard that it leaves still comes.
  async #leave(membership: Membership): Promise<void> {
    const { pattern, group, plain } = membership;
    this.#memberships.delete(keyOf(membership));
    if (plain !== undefined) await (await plain)?.unsubscribe();
    if (this.#prefix === undefined || !this.#host.connected()) return;
    this.#host.tell(groupControl.LEAVE, { pattern, group });
    // That the client was closed is an end, too.
    await Promise.race([this.#host.flush().catch(() => {}), this.#lost.given]);
  }
}

const isLeaving = ({ leaving }: GroupSubscription): boolean => leaving;

/** What the member's handler sees of the head: the mark is no part of it. */
class MemberHead implements Head {
  readonly #head: Head;

  constructor(head: Head) {
    this.#head = head;
  }

  get channel(): string {
    return this.#head.channel;
  }

  get bounce(): boolean {
    return this.#head.bounce;
  }

  get persist(): boolean {
    return this.#head.persist;
  }

  fields(): HeadFields {
    const { [groupControl.GROUP_KEY]: _, ...fields } = this.#head.fields();
    return fields;
  }
}

/** Given once. */
class Signal {
  isGiven = false;
  readonly given: Promise<void>;
  #resolve = (): void => {};

  constructor() {
    this.given = new Promise((resolve) => (this.#resolve = resolve));
  }

  give(): void {
    this.isGiven = true;
    this.#resolve();
  }
}

function keyOf({ pattern, group }: { readonly pattern: string; readonly group: string }): string {
  return `${group}\0${pattern}`;
}

/** @throws {TypeError} */
function requireName(group: string): string {
  if (typeof group === 'string' && group !== '' && group.length <= groupControl.GROUP_NAME_LENGTH) return group;
  throw new TypeError(`subscribe: group must be a text of 1 to ${groupControl.GROUP_NAME_LENGTH} letters`);
}

function unsupported(url: string): SpokeError {
  return new SpokeError('UNSUPPORTED', `the broker at ${url} has no groups (SubscribeOptions.groupOptional)`);
}
