// The broker and what it is made of.

export { Broker } from './broker.js';
export { ENDPOINT_LIMITS, endpointLimits } from './endpoint-limits.js';
export { readId, Seen } from './seen.js';
export type { BrokerOptions, BrokerPresence, BrokerStats, ReloadOptions } from './options.js';
export type { ClusterStats } from './cluster/clustering.js';
