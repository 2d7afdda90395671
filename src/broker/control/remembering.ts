// History and durable subscriptions (docs/protocol.md#feature-history): what a client asks for, checked, and read for it from the
// backplane.

import { canonical } from '../../channels/index.js';
import type { Backplane, BackplaneHistory, Codec, HistoryFrom, MessageView } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import type * as control from '../../link/control.js';
import * as historyControl from '../../link/history-control.js';
import { memberOf } from '../../link/kept-control.js';
import type { Counters } from '../counters.js';
import type { Desk } from '../desk.js';
import type { Session } from '../session.js';
import type { Transcoder } from '../transcoder.js';
import type { ControlPart } from './part.js';
import { overLimit } from './pattern-limits.js';
import { Reading } from './reading.js';

/** One session with the feature. */
interface State {
  nonce: string;
  /** By the client's number. */
  readonly readings: Map<number, Reading>;
}

export class Remembering implements ControlPart {
  readonly features = ['history'] as const;
  readonly brokersOnly = [historyControl.HISTORY];
  readonly handlers: NonNullable<ControlPart['handlers']>;
  readonly requests: NonNullable<ControlPart['requests']>;
  readonly #desk: Desk;
  readonly #plane: Backplane;
  readonly #transcoder: Transcoder;
  readonly #counters: Counters;
  readonly #states = new Map<Session, State>();

  constructor(desk: Desk, plane: Backplane, transcoder: Transcoder, counters: Counters) {
    this.#desk = desk;
    this.#plane = plane;
    this.#transcoder = transcoder;
    this.#counters = counters;
    this.handlers = {
      [historyControl.HANDLED]: {
        request: true,
        feature: 'history',
        handle: (session, view, codec) => this.#handled(session, view, codec),
      },
    };
    this.requests = {
      'history.open': (session, body) => this.#open(session, body),
      'history.close': (session, body) => this.#close(session, body),
      'history.durables': (session) => this.#durables(session),
      'history.remove': (session, body) => this.#remove(session, body),
    };
  }

  grants(_: Session, feature: control.Feature): boolean {
    return feature !== 'history' || this.#plane.history !== undefined;
  }

  welcomed(session: Session, { nonce }: control.HelloBody): void {
    const state = this.#states.get(session);
    if (!session.features.has('history')) this.ended(session);
    else if (state === undefined) this.#states.set(session, { nonce, readings: new Map() });
    else state.nonce = nonce;
  }

  ended(session: Session): void {
    const state = this.#states.get(session);
    this.#states.delete(session);
    for (const reading of [...(state?.readings.values() ?? [])]) void reading.close();
  }

  /** The client reads again. */
  drained(session: Session): void {
    for (const reading of this.#states.get(session)?.readings.values() ?? []) reading.ask();
  }

  /** Other rules hold now, or it is somebody else: what it may not read any more ends. */
  review(session: Session): void {
    for (const reading of [...(this.#states.get(session)?.readings.values() ?? [])]) {
      if (this.#desk.maySubscribeSome(session, reading.pattern)) continue;
      reading.end(this.#desk.forbid(session, 'subscribe to', reading.pattern));
    }
  }

  async #open(session: Session, body: object): Promise<historyControl.OpenedBody> {
    const history = this.#history;
    const state = this.#stateOf(session);
    const open = historyControl.readOpen(body);
    if (open === undefined || state.readings.has(open.n)) {
      throw new SpokeError('MALFORMED', 'history.open takes {n, pattern, from, window, durable, end, until}');
    }
    const pattern = canonical(open.pattern);
    const error = overLimit(session.limits, pattern, session.patterns.size + state.readings.size);
    if (error !== undefined) throw error;
    if (!this.#desk.maySubscribeSome(session, pattern)) throw this.#desk.forbid(session, 'subscribe to', pattern);
    const reading = new Reading({
      desk: this.#desk,
      transcoder: this.#transcoder,
      session,
      nonce: state.nonce,
      open,
      pattern,
      ended: () => state.readings.delete(open.n),
      delivered: () => this.#counters.delivered++,
    });
    state.readings.set(open.n, reading);
    try {
      const { durable } = open;
      if (durable !== undefined) await this.#requirePlace(session, durable);
      const reader = await history.read({
        pattern,
        from: fromOf(open.from),
        handler: reading,
        ...(durable !== undefined && { durable: ownName(session, durable) }),
      });
      const opened = { epoch: reader.epoch, next: reader.next };
      // After the answer, which tells what comes.
      queueMicrotask(() => reading.begin(reader));
      return opened;
    } catch (failure) {
      await reading.close();
      throw failure;
    }
  }

  async #close(session: Session, body: object): Promise<null> {
    const n = memberOf(body, 'n');
    await (typeof n === 'number' ? this.#states.get(session)?.readings.get(n)?.close() : undefined);
    return null;
  }

  async #durables(session: Session): Promise<{ readonly durables: readonly historyControl.DurableBody[] }> {
    const all = await this.#history.durables();
    const prefix = ownName(session, '');
    const own = all.filter(({ name }) => name.startsWith(prefix));
    return { durables: own.map((one) => ({ ...one, name: one.name.slice(prefix.length) })) };
  }

  // They stay when their clients have gone, so a user has so many.
  async #requirePlace(session: Session, name: string): Promise<void> {
    const { durables: limit } = session.limits;
    const { durables } = await this.#durables(session);
    if (durables.length < limit || durables.some((one) => one.name === name)) return;
    const text = `durable ${name} refused: there are ${limit} already (limits.durables); remove some (client.durables.remove)`;
    throw new SpokeError('LIMIT_EXCEEDED', text, { details: { limit } });
  }

  async #remove(session: Session, body: object): Promise<{ readonly removed: boolean }> {
    const durable = memberOf(body, 'durable');
    if (!historyControl.isDurableName(durable)) throw new SpokeError('MALFORMED', 'history.remove takes {durable}');
    return { removed: await this.#history.remove(ownName(session, durable)) };
  }

  #handled(session: Session, view: MessageView, codec: Codec): boolean {
    const body = historyControl.readHandled(codec.decodeBody(view));
    if (body === undefined) {
      const error = new SpokeError('MALFORMED', `${historyControl.HANDLED} takes {n, done, again, more}`);
      this.#desk.refuse(session, error, historyControl.HANDLED);
    } else this.#states.get(session)?.readings.get(body.n)?.handled(body);
    return false;
  }

  get #history(): BackplaneHistory {
    const { history } = this.#plane;
    if (history === undefined) throw new SpokeError('UNSUPPORTED', 'the backplane of this broker keeps no history');
    return history;
  }

  #stateOf(session: Session): State {
    const state = this.#states.get(session);
    if (state === undefined) throw new SpokeError('UNSUPPORTED', 'say hello with the feature history first');
    return state;
  }
}

// Of its user: nobody else reads it, lists it or removes it.
function ownName({ identity }: Session, name: string): string {
  const user = identity?.name ?? '';
  return `${user.replace(/[%/]/g, (letter) => `%${letter.charCodeAt(0).toString(16)}`)}/${name}`;
}

function fromOf(from: historyControl.FromBody): HistoryFrom {
  return typeof from === 'object' && 'time' in from ? { time: from.time * 1000 } : from;
}
