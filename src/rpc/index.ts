// Remote procedure calls over ordinary messages.

export { RpcService } from './rpc-service.js';
export type { CallOptions, Procedure, Provider, RpcOptions } from './rpc-service.js';
