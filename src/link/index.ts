// A connection and a codec joined: messages both ways, one write per connection and turn, limits.

export { BlockOutbox, blockOutboxes } from './block-outbox.js';
export type { OutboundTotal } from './block-outbox.js';
export { BlockSink } from './block-sink.js';
export { BriefMap } from './brief-map.js';
export { Link } from './link.js';
export type { LinkHandler, LinkOptions } from './link.js';
export { ServerLink } from './server-link.js';
export type { ServerLinkHandler, ServerLinkOptions } from './server-link.js';
export { PlainOutbox } from './outbox.js';
export type { MakeOutbox } from './outbox.js';
export { Recognition } from './recognition.js';
export { PlainSink } from './sink.js';
export type { Sink } from './sink.js';
export { systemClock } from './system-clock.js';
export { Turn } from './turn.js';
export type { Flushable } from './turn.js';
