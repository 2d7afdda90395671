/** Codecs, and the framings they use. */
export { LengthFraming, NulFraming } from './framing/index.js';
export { JsonCodec } from './json/index.js';
export { MsgpackCodec } from './msgpack/index.js';
export { findCodec, requireDistinctCodecs } from './registry.js';
