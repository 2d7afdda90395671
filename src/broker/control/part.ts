// What a file of this folder adds to the broker: one piece of the protocol, an extension or not.

import type { Codec, MessageView } from '../../contracts/index.js';
import type * as control from '../../link/control.js';
import type { Session } from '../session.js';

/** Handles the messages on one control channel. */
export interface ControlHandler {
  /**
   * Whether such a message is a request to the broker, permitted by what it asks for and not by its channel: the
   * authorizer is not asked whether it may be published.
   */
  readonly request: boolean;
  /** For sessions that have this feature; to others it is an unknown control message, which is routed. Default: all. */
  readonly feature?: control.Feature;
  /** Returns whether the message goes on to be routed like any other. */
  handle(session: Session, view: MessageView, codec: Codec): boolean;
}

/**
 * Answers one kind of request, at once or later.
 * @param body - the request, of whose members nothing is known.
 * @throws {SpokeError} becomes the answer.
 */
export type RequestHandler = (session: Session, body: object) => unknown;

/** One piece of the protocol. Made once for a broker. */
export interface ControlPart {
  /** What clients may ask for in their hello to get it. */
  readonly features?: readonly control.Feature[];
  /** Whether this session may have a feature that it asks for. Default: yes. */
  grants?(session: Session, feature: control.Feature): boolean;
  /** By channel; a name that ends in `/` stands for all channels below it. */
  readonly handlers?: Readonly<Record<string, ControlHandler>>;
  /** Requests that it answers, by the name of their operation (`Requests`). */
  readonly requests?: Readonly<Record<string, RequestHandler>>;
  /** Channels on which only the broker speaks, whoever the client is. */
  readonly brokersOnly?: readonly string[];
  /** The session said hello, and got its features; a second hello may have changed them. */
  welcomed?(session: Session, hello: control.HelloBody): void;
  /** The session ended. */
  ended?(session: Session): void;
}
