// The protocol page, implemented a second time and without a line of ours: see README.md.

export { unacceptable } from './acceptable.js';
export { IndependentClient } from './client.js';
export { canonical, matches } from './patterns.js';
export { RawPeer, tcpWire } from './raw-peer.js';
export type { Wire } from './raw-peer.js';
export { IndependentServer } from './server.js';
export type { ServedConnection } from './server.js';
export { Happenings } from './until.js';
