// Remote calls in little code, for pages: what every broker and every other program knows, without the extensions.

import { textOf } from '../client/index.js';
import { okay, sendReply } from './answer.js';
import { Caller } from './caller.js';
import { callPattern, resultChannel } from './channels.js';
import { requireName } from './name.js';
import type { PlainProcedure, PlainProvideOptions, Provider } from './options.js';
import type { Reply } from './reply.js';
import { RpcError } from './rpc-error.js';

/** Provides and calls procedures on the client of a page, which has one. */
export class PlainRpc extends Caller {
  /**
   * Answers calls of `name`. Resolves when the broker knows.
   * @throws {TypeError} when the name is empty or holds a wildcard. `CLOSED`.
   */
  async provide<A = never, R = unknown>(
    name: string,
    procedure: PlainProcedure<A, R>,
    options?: PlainProvideOptions,
  ): Promise<Provider> {
    const procedureName = requireName('provide', name, procedure);
    const { client } = this;
    const subscription = await client.subscribe(
      callPattern(procedureName),
      async ({ channel, body }) => {
        let reply: Reply;
        try {
          // The argument comes from the network; the provider's declared type is its own promise about its callers.
          reply = okay(await procedure(body as never));
        } catch (error) {
          reply = { error: textOf(error), ...(error instanceof RpcError && { code: error.code, data: error.data }) };
        }
        await sendReply(client, resultChannel(channel), reply);
      },
      options,
    );
    const close = () => subscription.unsubscribe();
    return { name: procedureName, close, [Symbol.asyncDispose]: close };
  }
}
