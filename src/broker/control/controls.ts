// Finds who handles a control message. The exchange lists the parts.

import { SpokeError } from '../../contracts/index.js';
import * as control from '../../link/control.js';
import type { Codec, MessageView } from '../../contracts/index.js';
import type { Desk } from '../desk.js';
import type { Session } from '../session.js';
import { readLogin } from '../../link/login.js';
import type { Authenticating } from './authenticating.js';
import type { ControlHandler, ControlPart } from './part.js';

/** All parts of one broker, and the greeting, which is about them. */
export class Controls {
  readonly #desk: Desk;
  readonly #server: control.ServerIdentity;
  readonly #door: Pick<Authenticating, 'enter'>;
  readonly #parts: readonly ControlPart[];
  readonly #features: readonly control.Feature[];
  readonly #handlers = new Map<string, ControlHandler>();

  /**
   * @param parts - in the order in which their features are told.
   * @param server - told to clients that ask.
   * @param door - through which a hello has to go.
   */
  constructor(
    desk: Desk,
    parts: readonly ControlPart[],
    server: control.ServerIdentity,
    door: Pick<Authenticating, 'enter'>,
  ) {
    this.#desk = desk;
    this.#server = server;
    this.#door = door;
    this.#parts = parts;
    this.#features = parts.flatMap(({ features = [] }) => features);
    const greeting: ControlPart = {
      brokersOnly: [control.WELCOME, control.ERROR],
      handlers: {
        [control.HELLO]: { request: true, handle: (session, view, codec) => this.#hello(session, view, codec) },
      },
    };
    for (const { handlers = {}, brokersOnly = [] } of [greeting, ...parts]) {
      // A client must not be able to speak for the broker.
      for (const channel of brokersOnly) this.#handlers.set(channel, this.#forBrokersOnly());
      for (const [channel, handler] of Object.entries(handlers)) this.#handlers.set(channel, handler);
    }
  }

  /** Who handles this session's messages on a channel; `undefined`: nobody, it is routed like any other. */
  find(session: Session, channel: string): ControlHandler | undefined {
    if (!channel.startsWith(control.CONTROL_PREFIX)) return undefined;
    let handler = this.#handlers.get(channel);
    if (handler === undefined) {
      const end = channel.indexOf('/', control.CONTROL_PREFIX.length);
      if (end > 0) handler = this.#handlers.get(channel.slice(0, end + 1));
    }
    return handler?.feature === undefined || session.features.has(handler.feature) ? handler : undefined;
  }

  ended(session: Session): void {
    for (const part of this.#parts) part.ended?.(session);
  }

  #forBrokersOnly(): ControlHandler {
    return {
      request: false,
      handle: (session, view) => {
        const { channel } = view.head;
        this.#desk.refuse(session, new SpokeError('FORBIDDEN', `${channel} is for brokers only`), channel);
        return false;
      },
    };
  }

  #hello(session: Session, view: MessageView, codec: Codec): boolean {
    const body = codec.decodeBody(view);
    const hello = control.readGreeting(body);
    if (hello === undefined) {
      const error = new SpokeError('MALFORMED', `${control.HELLO} takes {nonce, features}`);
      this.#desk.refuse(session, error, control.HELLO);
      return false;
    }
    this.#door.enter(session, hello, readLogin(body), () => this.#welcome(session, hello));
    return false;
  }

  #welcome(session: Session, hello: control.HelloBody): void {
    const features = this.#features.filter(
      (feature) =>
        hello.features.includes(feature) && this.#parts.every((part) => part.grants?.(session, feature) !== false),
    );
    session.features = new Set(features);
    const welcome: control.WelcomeBody = { nonce: hello.nonce, features, ...this.#server };
    this.#desk.tell(session, control.WELCOME, welcome);
    for (const part of this.#parts) part.welcomed?.(session, hello);
  }
}
