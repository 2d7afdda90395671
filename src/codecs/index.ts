/** Codecs, and the framings they use. */
export { NulFraming } from './framing/index.js';
export { JsonCodec } from './json/index.js';
export { findCodec, requireDistinctCodecs } from './registry.js';
