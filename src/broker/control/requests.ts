// Requests of a client to its broker, answered to that connection alone (docs/protocol.md#feature-requests).

import type { Codec, MessageView } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import type { ReplyBody } from '../../link/request-control.js';
import { REPLY_PREFIX, REQUEST_PREFIX } from '../../link/request-control.js';
import type { Desk } from '../desk.js';
import type { Session } from '../session.js';
import type { ControlPart, RequestHandler } from './part.js';

// What the number of a request may look like: it comes back as part of a channel.
const NUMBER = /^[\w-]{1,64}$/;

export class Requests implements ControlPart {
  readonly features = ['requests'] as const;
  readonly brokersOnly = [REPLY_PREFIX];
  readonly handlers: NonNullable<ControlPart['handlers']>;
  readonly #desk: Desk;
  readonly #byOp: ReadonlyMap<string, RequestHandler>;

  /** @param parts - those with requests of their own. */
  constructor(desk: Desk, parts: readonly ControlPart[]) {
    this.#desk = desk;
    this.#byOp = new Map(parts.flatMap(({ requests = {} }) => Object.entries(requests)));
    this.handlers = {
      [REQUEST_PREFIX]: {
        request: true,
        feature: 'requests',
        handle: (session, view, codec) => {
          void this.#answer(session, view, codec);
          return false;
        },
      },
    };
  }

  // Never rejects.
  async #answer(session: Session, view: MessageView, codec: Codec): Promise<void> {
    const { channel } = view.head;
    const number = channel.slice(REQUEST_PREFIX.length);
    if (!NUMBER.test(number)) {
      this.#desk.refuse(session, new SpokeError('MALFORMED', `${REQUEST_PREFIX} is followed by a number`), channel);
      return;
    }
    let reply: ReplyBody;
    try {
      reply = { okay: (await this.#handle(session, codec.decodeBody(view))) ?? null };
    } catch (error) {
      const failure = error instanceof SpokeError ? error : new SpokeError('REMOTE', String(error), { cause: error });
      if (failure !== error) this.#desk.logger.error({ err: error, channel }, 'a request could not be answered');
      this.#desk.count(session, failure, channel);
      reply = { error: { code: failure.code, message: failure.message } };
    }
    this.#desk.tell(session, REPLY_PREFIX + number, reply);
  }

  #handle(session: Session, body: unknown): unknown {
    const op: unknown = typeof body === 'object' && body !== null && 'op' in body ? body.op : undefined;
    const handler = typeof op === 'string' ? this.#byOp.get(op) : undefined;
    if (handler === undefined || typeof body !== 'object' || body === null) {
      throw new SpokeError('MALFORMED', `no such request; there are: ${[...this.#byOp.keys()].join(', ')}`);
    }
    return handler(session, body);
  }
}
