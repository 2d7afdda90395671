// The public names, one by one.

export {
  Access,
  CertificateAuthenticator,
  ChainAuthenticator,
  hashPassword,
  hashToken,
  newToken,
  PasswordAuthenticator,
  TokenAuthenticator,
  UnixAuthenticator,
} from './access/index.js';
export type { AccessOptions, ChainOptions, Rights, Rules, UserOptions } from './access/index.js';
export { Bridge, Proxy } from './bridge/index.js';
export type {
  BridgeEvents,
  BridgeFilter,
  BridgeOptions,
  BridgeState,
  BridgeStatus,
  FilterOptions,
  PrefixPair,
  ProxyEvents,
  ProxyOptions,
  ProxyStatus,
  SideStatus,
} from './bridge/index.js';
export { Broker } from './broker/index.js';
export type { BrokerOptions, BrokerPresence, BrokerStats, ClusterStats, ReloadOptions } from './broker/index.js';
export { LocalBackplane } from './backplanes/index.js';
export { BaseClient, Durables, HistoryMessage, KeptValues, Message, Presence, Subscription } from './client/index.js';
export type {
  BackoffOptions,
  BaseClientOptions,
  ClearOptions,
  ClientEvents,
  ClientState,
  DurableInfo,
  HistoryOptions,
  KeptEntry,
  KeptValue,
  Login,
  MessageHandler,
  PublishOptions,
  SetOptions,
  SlowPolicy,
  About,
  PresenceEntry,
  PresenceListener,
  PresenceNews,
  Will,
  SubscribeOptions,
  SubscriptionOwner,
  WaitOptions,
} from './client/index.js';
export { canonical, includes, intersects, isPattern, matches } from './channels/index.js';
export { JsonCodec, LengthFraming, MsgpackCodec, NulFraming } from './codecs/index.js';
export { DEFAULT_LIMITS, SPOKE_ERROR_CODES, SpokeError } from './contracts/index.js';
export type {
  Action,
  Address,
  AnyErrorCode,
  Authenticator,
  Authorizer,
  Backplane,
  BackplaneHandler,
  BackplaneHistory,
  BackplaneOptions,
  BackplaneStats,
  ClientCodec,
  Clock,
  CloseReason,
  Codec,
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
  HistoryDurable,
  HistoryEntry,
  HistoryFrom,
  HistoryHandler,
  HistoryReader,
  HistoryReadOptions,
  HistoryRule,
  Identity,
  Kept,
  KeepOptions,
  Limits,
  Listener,
  ListenOptions,
  Logger,
  LoginPeer,
  MessageReader,
  MessageStore,
  MessageView,
  OutgoingHead,
  PeerCertificate,
  PeerCredentials,
  PeerInfo,
  SpokeErrorCode,
  SpokeErrorOptions,
  StoredMessage,
  Transport,
} from './contracts/index.js';
export { createContainer, Handlers, providerOf, spokeModule, subscriberOf, TOKENS } from './di/index.js';
export type {
  AnyHandler,
  AnyProcedure,
  BridgeSettings,
  HandlersOptions,
  MethodOptions,
  ProxySettings,
  SpokeOptions,
  SubscriberOptions,
  Tokens,
} from './di/index.js';
export { call, callSync, Client, publish, publishSync, wait } from './node/index.js';
export type {
  ClientOptions,
  OneShotCallOptions,
  OneShotPublishOptions,
  SyncCallOptions,
  SyncConnection,
  SyncPublishOptions,
} from './node/index.js';
export { RpcError, RpcService } from './rpc/index.js';
export type {
  CallContext,
  CallOptions,
  Procedure,
  ProgressOptions,
  ProvideOptions,
  Provider,
  RpcOptions,
  StreamOptions,
} from './rpc/index.js';
export { LmdbStore, MemoryStore } from './stores/index.js';
export { BaseConnection, handOver, MemoryTransport, parseAddress } from './transports/index.js';
export type { Endpoint, ListenEndpoint, MemoryTransportOptions } from './transports/index.js';
export { TcpTransport, TlsTransport } from './transports/tcp/index.js';
export type { TcpTransportOptions, TlsTransportOptions } from './transports/tcp/index.js';
export type { TlsOptions } from './transports/tls/options.js';
export { UnixTransport } from './transports/unix/index.js';
export type { UnixTransportOptions } from './transports/unix/index.js';
export { WebSocketTransport } from './transports/websocket/index.js';
export type { Origins, WebSocketTransportOptions } from './transports/websocket/index.js';
export {
  asyncapi,
  channel,
  ChannelAddress,
  ChannelSet,
  failure,
  failureOf,
  issuesOf,
  method,
  ProcedureContract,
  service,
  ServiceAddress,
  stream,
  typed,
  TypedClient,
  TypedKeptValues,
  TypedMessage,
  TypedSubscription,
  unchecked,
} from './typed/index.js';
export type {
  Answer,
  AsyncApiDocument,
  AsyncApiInfo,
  AsyncApiParts,
  ChannelContract,
  ChannelFamily,
  ChannelOptions,
  ContractHost,
  Declaring,
  ErrorSchemas,
  Failure,
  InputOf,
  Issue,
  JsonSchema,
  MethodContract,
  MethodContractOptions,
  Methods,
  NoErrors,
  OutputOf,
  Param,
  ParamName,
  ParamsOf,
  ParamValues,
  Path,
  Reading,
  SchemaIssue,
  SchemaResult,
  ServiceClient,
  ServiceContract,
  ServiceFamily,
  ServiceHandlers,
  ServiceLike,
  StandardSchema,
  StreamContract,
  TokenOf,
  TypedHandler,
  TypedKeptEntry,
  TypedKeptValue,
} from './typed/index.js';
export { VERSION } from './version.js';
