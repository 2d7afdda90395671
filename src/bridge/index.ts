// Joins brokers.

export { Bridge } from './bridge.js';
export type { BridgeFilter, FilterOptions } from './filter.js';
export type { BridgeEvents, BridgeOptions, BridgeState, BridgeStatus, SideStatus } from './options.js';
export type { PrefixPair } from './prefixes.js';
export { Proxy } from './proxy.js';
export type { ProxyEvents, ProxyOptions, ProxyStatus } from './proxy.js';
