// A client with remote calls: what the clients of all platforms share.

import type { BaseClientOptions } from '../client/index.js';
import { BaseClient } from '../client/index.js';
import type { CallOptions, Procedure, Provider } from './rpc-service.js';
import { RpcService } from './rpc-service.js';

export interface RpcClientOptions extends BaseClientOptions {
  /** Default timeout of calls, in milliseconds. Default 30,000. */
  readonly callTimeout?: number;
}

/** A `BaseClient` whose remote calls are methods. Programs use the `Client` of their platform. */
export class RpcClient extends BaseClient {
  /** Remote calls on this client; `call` and `provide` are its methods. */
  readonly rpc: RpcService;

  constructor(options: RpcClientOptions) {
    super(options);
    const { callTimeout, clock } = options;
    this.rpc = new RpcService(this, {
      ...(callTimeout !== undefined && { timeout: callTimeout }),
      ...(clock !== undefined && { clock }),
    });
  }

  /** Calls a procedure: see `RpcService.call`. */
  async call<R = unknown>(name: string, argument?: unknown, options?: CallOptions): Promise<R> {
    return this.rpc.call<R>(name, argument, options);
  }

  /** Answers calls of a procedure: see `RpcService.provide`. */
  async provide<A = never, R = unknown>(
    name: string,
    procedure: Procedure<A, R>,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Provider> {
    return this.rpc.provide(name, procedure, options);
  }
}
