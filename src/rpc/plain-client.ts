// The client of pages: remote calls as methods.

import type { BaseClientOptions } from '../client/index.js';
import { BaseClient } from '../client/index.js';
import type { CallOptions, PlainProcedure, PlainProvideOptions, Provider } from './options.js';
import { PlainRpc } from './plain-rpc.js';

export interface RpcClientOptions extends BaseClientOptions {
  /** Default timeout of calls, in milliseconds. Default 30,000. */
  readonly callTimeout?: number;
}

/** A `BaseClient` whose remote calls are methods. Pages use `Client`. */
export class PlainClient extends BaseClient {
  /** Remote calls on this client; `call` and `provide` are its methods. */
  readonly rpc: PlainRpc;

  constructor(options: RpcClientOptions) {
    super(options);
    this.rpc = new PlainRpc(this, rpcOptions(options));
  }

  /** Calls a procedure: see `PlainRpc.call`. */
  async call<R = unknown>(name: string, argument?: unknown, options?: CallOptions): Promise<R> {
    return this.rpc.call<R>(name, argument, options);
  }

  /** Answers calls of a procedure: see `PlainRpc.provide`. */
  async provide<A = never, R = unknown>(
    name: string,
    procedure: PlainProcedure<A, R>,
    options?: PlainProvideOptions,
  ): Promise<Provider> {
    return this.rpc.provide(name, procedure, options);
  }
}

/** What of a client's options is about its calls. */
export function rpcOptions({ callTimeout, clock }: RpcClientOptions) {
  return {
    ...(callTimeout !== undefined && { timeout: callTimeout }),
    ...(clock !== undefined && { clock }),
  };
}
