// A network in memory that misbehaves on command, with virtual time.

export type { Duration } from './duration.js';
export { memoryNetwork, MemoryNetwork } from './memory-network.js';
export type { Member, MemberBrokerOptions, MemoryNetworkOptions } from './memory-network.js';
export { VirtualClock } from './virtual-clock.js';
