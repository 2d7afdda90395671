// What contracts need of a client: the one of Node has it, and that of pages.

import type { BaseClient } from '../client/index.js';
import type { CallOptions, Provider } from '../rpc/index.js';

export interface ContractHost extends Pick<BaseClient, 'messages' | 'publish' | 'report' | 'subscribe'> {
  call(name: string, argument?: unknown, options?: CallOptions): Promise<unknown>;
  provide(
    name: string,
    procedure: (argument: unknown) => unknown,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Provider>;
}
