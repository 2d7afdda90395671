// Subscribers say what becomes of messages that they are too slow for (docs/protocol.md#feature-slow). All of it happens
// only while a connection does not read.

import { canonical } from '../../channels/index.js';
import type { Codec, MessageView } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import * as slowControl from '../../link/slow-control.js';
import type { Desk } from '../desk.js';
import type { Session } from '../session.js';
import { SlowConsumer } from '../slow-consumer.js';
import type { ControlPart } from './part.js';
import { overLimit } from './pattern-limits.js';

/** A subscriber for which publishers are held. */
interface Hold {
  readonly publishers: Set<Session>;
  readonly cancel: () => void;
}

export class Slowness implements ControlPart {
  readonly features = ['slow'] as const;
  readonly brokersOnly = [slowControl.MISSED];
  readonly handlers: NonNullable<ControlPart['handlers']>;
  readonly #desk: Desk;
  readonly #allowHold: boolean;
  readonly #holds = new Map<Session, Hold>();

  /** @param allowHold - whether subscribers may have publishers wait. */
  constructor(desk: Desk, allowHold: boolean) {
    this.#desk = desk;
    this.#allowHold = allowHold;
    this.handlers = {
      [slowControl.SLOW]: {
        request: true,
        feature: 'slow',
        handle: (session, view, codec) => this.#hear(session, view, codec),
      },
    };
  }

  ended(session: Session): void {
    this.#release(session);
    for (const { publishers } of this.#holds.values()) publishers.delete(session);
  }

  /**
   * Takes a message that is for a session with a policy, if that does not read.
   * @param from - `undefined`: another broker of a cluster, whose publishers cannot be held.
   * @returns `false`: it is to be sent as any other.
   */
  takes(
    session: Session,
    from: Session | undefined,
    channel: string,
    block: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    const { slow, link } = session;
    if (slow === undefined || link.ended || (!link.outbox.blocked && slow.size === 0)) return false;
    const { policy } = slow.verdict(channel);
    if (policy === 'hold' && from !== undefined) this.#hold(session, from);
    const waits = policy === 'hold' || policy === 'disconnect';
    // In order: what must not be left out follows what was queued before it.
    if (waits && slow.size === 0) return false;
    const before = slow.bytes;
    // A copy: `slice` of a block may be a view.
    slow.add(channel, new Uint8Array(block.subarray(start, end)), session.limits.outboundBytes / 2);
    link.outbox.hold?.(slow.bytes - before);
    return true;
  }

  /** The session can take more. Returns whether it still can. */
  resume(session: Session): boolean {
    this.#release(session);
    const { slow, link } = session;
    if (slow === undefined) return true;
    for (const [pattern, missed] of slow.missed) {
      const body: slowControl.MissedBody = { pattern, missed };
      this.#desk.tell(session, slowControl.MISSED, body);
    }
    slow.missed.clear();
    while (slow.size > 0 && !link.outbox.blocked && !link.ended) {
      const frame = slow.take();
      if (frame === undefined) break;
      link.outbox.hold?.(-frame.length);
      link.outbox.push(frame, 0, frame.length);
    }
    return !link.outbox.blocked;
  }

  #hear(session: Session, view: MessageView, codec: Codec): boolean {
    const body = slowControl.readSlow(codec.decodeBody(view));
    if (body === undefined) {
      const text = `${slowControl.SLOW} takes {pattern, policy}: disconnect, drop-oldest, latest or hold, or null`;
      this.#desk.refuse(session, new SpokeError('MALFORMED', text), slowControl.SLOW);
      return false;
    }
    const pattern = canonical(body.pattern);
    if (body.policy === null) {
      session.slow?.policies.delete(pattern);
      session.slow?.changed();
      return false;
    }
    const error =
      body.policy === 'hold' && !this.#allowHold
        ? new SpokeError('FORBIDDEN', `${pattern}: this broker does not hold publishers (BrokerOptions.allowHold)`)
        : overLimit(session.limits, pattern, session.slow?.policies.size ?? 0);
    if (error !== undefined) {
      this.#desk.refuse(session, error, slowControl.SLOW);
      return false;
    }
    session.slow ??= new SlowConsumer(session.patterns);
    session.slow.policies.set(pattern, body.policy);
    session.slow.changed();
    return false;
  }

  // Not a bridge: it publishes for everybody beyond it.
  #hold(session: Session, from: Session): void {
    if (from === session || from.link.ended || from.features.has('bridge')) return;
    let hold = this.#holds.get(session);
    if (hold === undefined) {
      const { holdTime } = this.#desk.limits;
      const cancel = this.#desk.turn.clock.setTimer(holdTime, () => {
        const text = `${session.address} does not read, and publishers were held for ${holdTime} ms (limits.holdTime)`;
        session.link.fail(new SpokeError('SLOW_CONSUMER', text));
      });
      this.#holds.set(session, (hold = { publishers: new Set(), cancel }));
    }
    if (hold.publishers.has(from)) return;
    hold.publishers.add(from);
    from.link.pause();
  }

  #release(session: Session): void {
    const hold = this.#holds.get(session);
    if (hold === undefined) return;
    this.#holds.delete(session);
    hold.cancel();
    for (const publisher of hold.publishers) publisher.link.resume();
  }
}
