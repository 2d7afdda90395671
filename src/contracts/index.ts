// What can be plugged in. This floor imports nothing.

export type { Action, Authenticator, Authorizer, Credentials, Identity, LoginPeer } from './access.js';
export type { Backplane, BackplaneHandler, BackplaneOptions, BackplaneStats, KeepOptions } from './backplane.js';
export { HISTORY_LEASE, HISTORY_UNFINISHED } from './backplane-history.js';
export type {
  BackplaneHistory,
  HistoryDurable,
  HistoryEntry,
  HistoryFrom,
  HistoryHandler,
  HistoryReader,
  HistoryReadOptions,
  HistoryRule,
} from './backplane-history.js';
export type { Clock } from './clock.js';
export type {
  ClientCodec,
  Codec,
  FrameSink,
  Head,
  HeadFields,
  HeadView,
  MessageReader,
  MessageView,
  OutgoingHead,
} from './codec.js';
export type {
  CloseReason,
  Connection,
  ConnectionHandler,
  PeerCertificate,
  PeerCredentials,
  PeerInfo,
} from './connection.js';
export { SPOKE_ERROR_CODES, SpokeError, withCode } from './errors.js';
export type { AnyErrorCode, SpokeErrorCode, SpokeErrorOptions } from './errors.js';
export type { Deframer, FrameHandler, Framing } from './framing.js';
export type { Kept } from './kept.js';
export { DEFAULT_LIMITS, withDefaults } from './limits.js';
export type { Limits } from './limits.js';
export { silentLogger } from './logger.js';
export type { Logger } from './logger.js';
export type { MessageStore, StoredMessage } from './message-store.js';
export type { Address, ConnectOptions, Listener, ListenOptions, Transport } from './transport.js';
