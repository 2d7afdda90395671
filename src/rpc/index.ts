// Remote procedure calls over ordinary messages.

export type {
  CallContext,
  CallOptions,
  PlainProcedure,
  PlainProvideOptions,
  Procedure,
  ProgressOptions,
  ProvideOptions,
  Provider,
  RpcOptions,
  StreamOptions,
} from './options.js';
export { PlainClient, rpcOptions } from './plain-client.js';
export type { RpcClientOptions } from './plain-client.js';
export { PlainRpc } from './plain-rpc.js';
export type { RpcClient } from './rpc-client.js';
export { RpcError } from './rpc-error.js';
export { RpcService } from './rpc-service.js';
