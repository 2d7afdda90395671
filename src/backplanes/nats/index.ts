// Brokers joined by NATS.

export { NatsBackplane } from './nats-backplane.js';
export type { NatsOptions } from './options.js';
