/** The msgpack codec: shorter and quicker than JSON, and with binary data. */
export { MsgpackCodec } from './codec.js';
