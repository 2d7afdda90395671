// What a program on Node gets when it does not choose.

import { JsonCodec, MsgpackCodec } from '../codecs/index.js';
import type { Codec, Transport } from '../contracts/index.js';
import { nodeTransports } from '../transports/node.js';

/** New instances of every transport that works between processes: `tcp`, `tls`, `unix`, `ws` and `wss`. */
export function defaultTransports(): Transport[] {
  return nodeTransports();
}

/** New instances of every codec, the default one first. */
export function defaultCodecs(): Codec[] {
  return [new JsonCodec(), new MsgpackCodec()];
}
