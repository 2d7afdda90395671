/** Codecs in little code, for pages. On the wire they are those of Node. */
export { JsonCodec } from './json-codec.js';
export type { DecodedView } from './head.js';
export { MsgpackCodec } from './msgpack-codec.js';
