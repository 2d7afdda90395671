/** The JSON codec: the format of the existing network. */
export { JsonCodec } from './codec.js';
