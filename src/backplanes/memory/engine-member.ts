// What a `MemoryEngine` and the backplanes on it know of each other.

import type { Clock, Kept } from '../../contracts/index.js';
import type { Histories } from '../histories.js';
import type { PendingKeep } from '../pending-keeps.js';
import type { Log } from './log.js';

/** What is kept on a channel. */
export interface EngineEntry {
  readonly channel: string;
  readonly data: Uint8Array;
  readonly revision: number;
}

/** What the engine knows of one broker, while it is connected. */
export interface EngineMember {
  readonly id: string;
  readonly patterns: ReadonlySet<string>;
  /** Puts something on the way to it, if it is connected. */
  deliver(bytes: number, run: () => void): void;
  message(data: Uint8Array): void;
  kept(entry: EngineEntry): void;
  told(data: Uint8Array): void;
  unheard(id: string): void;
  answered(number: number, kept: Kept): void;
  recorded(number: number, kept: Kept): void;
}

/** What a backplane knows of the engine. */
export interface Engine {
  readonly clock: Clock;
  /** Milliseconds that something takes to the engine, or from it; asked each time. */
  readonly latency: () => number;
  /** Of what it keeps: another one, when it lost all. */
  readonly generation: number;
  readonly histories: Histories<Log>;
  reaches(name: string): boolean;
  join(member: EngineMember): void;
  leave(member: EngineMember): void;
  publish(from: EngineMember, channel: string, data: Uint8Array): void;
  keep(from: EngineMember, keep: PendingKeep): void;
  /** Publishes, and keeps it in the history of its channel. */
  record(from: EngineMember, record: PendingKeep): void;
  forget(channel: string, revision: number): void;
  /** What is kept and newer, in order. */
  after(revision: number): readonly EngineEntry[];
  tell(from: EngineMember, data: Uint8Array, to: string | undefined): void;
  /** This backplane is not used any more. */
  closed(backplane: { readonly name: string }): void;
}
