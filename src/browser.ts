// The public names for web pages, one by one. Nothing of Node is reached from here, and nothing is made by importing it.
//
// The types of `await using`, which Node's types bring with them:
/// <reference lib="esnext.disposable" preserve="true" />

export { Client } from './browser/index.js';
export type { ClientOptions } from './browser/index.js';
export { BaseClient, Message, Subscription } from './client/index.js';
export type {
  BackoffOptions,
  BaseClientOptions,
  ClientEvents,
  ClientState,
  Login,
  MessageHandler,
  PublishOptions,
  SubscribeOptions,
  SubscriptionOwner,
  WaitOptions,
} from './client/index.js';
export { JsonCodec, MsgpackCodec } from './codecs/small/index.js';
export type { DecodedView } from './codecs/small/index.js';
export { SpokeError } from './contracts/index.js';
export type {
  Address,
  AnyErrorCode,
  ClientCodec,
  Clock,
  CloseReason,
  Connection,
  ConnectionHandler,
  ConnectOptions,
  Credentials,
  Deframer,
  FrameHandler,
  FrameSink,
  Framing,
  Head,
  HeadFields,
  HeadView,
  Limits,
  Listener,
  ListenOptions,
  MessageReader,
  OutgoingHead,
  PeerCertificate,
  PeerCredentials,
  PeerInfo,
  SpokeErrorCode,
  SpokeErrorOptions,
  Transport,
} from './contracts/index.js';
export { PlainRpc, RpcError } from './rpc/index.js';
export type {
  CallOptions,
  PlainClient,
  PlainProcedure,
  PlainProvideOptions,
  ProvideOptions,
  Provider,
  RpcClient,
  RpcClientOptions,
  RpcOptions,
} from './rpc/index.js';
export { BrowserWebSocketTransport } from './transports/websocket/browser/index.js';
export type {
  BrowserSocket,
  BrowserSocketClass,
  BrowserSocketEvents,
  BrowserWebSocketTransportOptions,
} from './transports/websocket/browser/index.js';
