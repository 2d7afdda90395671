// `spoke/nats`: many brokers on NATS. Apart from the library, because it needs packages that only those install who use it.

export { NatsBackplane } from './backplanes/nats/index.js';
export type { NatsOptions } from './backplanes/nats/index.js';
