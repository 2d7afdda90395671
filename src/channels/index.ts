/** Channels, patterns, and the structures that connect them. */
export { withoutCallNumber } from './call-channel.js';
export { canonical, isPattern, tokens } from './channel.js';
export { includes, intersects, matches } from './pattern.js';
export { Router, type RouterOptions } from './router.js';
export { PatternList } from './pattern-list.js';
export type { Group, GroupRoute, Route, Routes } from './routes.js';
export { ChannelIndex } from './channel-index.js';
