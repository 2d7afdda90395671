// What a handler of Nest gets as its `@Ctx()`.

import { BaseRpcContext } from '@nestjs/microservices';

import type { Message } from '../client/index.js';
import type { CallContext } from '../rpc/index.js';

/** Where a call or a message came from. */
export class SpokeContext extends BaseRpcContext<
  [channel: string, message: Message | undefined, call: CallContext | undefined]
> {
  /** Of an event: its channel, where the pattern may have had wildcards. Of a request: the name of the procedure. */
  getChannel(): string {
    return this.args[0];
  }

  /** Of an event: the message, with its time and head, and whether it came because it is kept. Of a request: `undefined`. */
  getMessage(): Message | undefined {
    return this.args[1];
  }

  /**
   * Of a request: its signal, which aborts when the caller has given up, the time that is left, progress, and calls that are bound by
   * both. Of an event: `undefined`.
   */
  getCall(): CallContext | undefined {
    return this.args[2];
  }
}
