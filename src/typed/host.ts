// What contracts need of a client: the one of Node has it, and that of pages.

import type { BaseClient } from '../client/index.js';
import type { CallOptions, ProgressOptions, ProvideOptions, Provider, StreamOptions } from '../rpc/index.js';

export interface ContractHost extends Pick<BaseClient, 'messages' | 'publish' | 'report' | 'subscribe'> {
  call(name: string, argument?: unknown, options?: CallOptions & ProgressOptions): Promise<unknown>;
  /** Not in pages. */
  stream?(name: string, argument?: unknown, options?: StreamOptions): AsyncIterable<unknown>;
  provide(
    name: string,
    procedure: (argument: unknown, context?: unknown) => unknown,
    options?: ProvideOptions,
  ): Promise<Provider>;
}
