// What joins brokers. The one for NATS is loaded by those who use it: `spoke/nats`.

export { LocalBackplane } from './local/local-backplane.js';
export { MemoryBackplane } from './memory/memory-backplane.js';
export { MemoryEngine } from './memory/memory-engine.js';
export type { MemoryEngineOptions } from './memory/memory-engine.js';
export type { Engine, EngineEntry, EngineMember } from './memory/engine-member.js';
export type { PendingKeep } from './pending-keeps.js';
export { Histories } from './histories.js';
export { Durable } from './memory/durable.js';
export { Log } from './memory/log.js';
export type { DurableLog, Reading, Recorded } from './memory/reading.js';
export type { HistoryHost } from './memory/history-host.js';
export type { MemoryHistory } from './memory/memory-history.js';
export type { PendingKeeps } from './pending-keeps.js';
