// What the clients of all platforms share of remote calls.

import type { BaseClient } from '../client/index.js';
import type { CallOptions, PlainProcedure, ProvideOptions, Provider } from './options.js';

/** A client whose remote calls are methods: the `Client` of Node, and that of pages. */
export interface RpcClient extends BaseClient {
  /** Calls a procedure: see `RpcService.call`. */
  call<R = unknown>(name: string, argument?: unknown, options?: CallOptions): Promise<R>;
  /** Answers calls of a procedure: see `RpcService.provide`. Pages know no option but `signal`. */
  provide<A = never, R = unknown>(
    name: string,
    procedure: PlainProcedure<A, R>,
    options?: ProvideOptions,
  ): Promise<Provider>;
}
