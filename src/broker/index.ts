// The broker and what it is made of.

export { Broker } from './broker.js';
export type { BrokerOptions, BrokerStats } from './options.js';
