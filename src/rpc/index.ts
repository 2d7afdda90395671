// Remote procedure calls over ordinary messages.

export { RpcClient } from './rpc-client.js';
export type { RpcClientOptions } from './rpc-client.js';
export { RpcService } from './rpc-service.js';
export type { CallOptions, Procedure, Provider, RpcOptions } from './rpc-service.js';
