// What authors of transports prove them with: `spoke/testing`.

export { clientCodecSuite, codecSuite } from './codec-suite.js';
export type { BadPayload, ClientCodecSuiteOptions, CodecSuiteOptions, OtherLayout } from './codec-suite.js';
export { transportSuite } from './transport-suite.js';
export type { MakeSetup, Runner, TransportSetup } from './transport-suite.js';
export { memoryNetwork, MemoryNetwork, VirtualClock } from './network/index.js';
export type { Duration, Member, MemberBrokerOptions, MemoryNetworkOptions } from './network/index.js';
export { storeSuite } from './store-suite.js';
export type { MakeStoreSetup, StoreSetup } from './store-suite.js';
export { backplaneSuite } from './backplane-suite.js';
export type { BackplaneSetup, MakeBackplaneSetup } from './backplane-suite.js';
export { MemoryBackplane, MemoryEngine } from '../backplanes/index.js';
export { Durable, Histories, Log } from '../backplanes/index.js';
export type {
  DurableLog,
  Engine,
  EngineEntry,
  EngineMember,
  HistoryHost,
  MemoryEngineOptions,
  MemoryHistory,
  PendingKeep,
  PendingKeeps,
  Reading,
  Recorded,
} from '../backplanes/index.js';
