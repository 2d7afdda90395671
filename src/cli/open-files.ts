// Node does not tell a server that it may open no more files: its clients are hung up on without a word. So it is tried, now and then.

import { closeSync, openSync, readFileSync } from 'node:fs';

import type { Clock, Logger } from '../contracts/index.js';
import { systemClock } from '../link/system-clock.js';

/** Of the store, the log, the listeners, and Node itself. */
const OWN_FILES = 64;
/** Milliseconds. */
const INTERVAL = 1000;

/**
 * Warns when the process may not open as many files as there may be connections (`docs/limits.md#file-descriptors`).
 * @param table - `/proc/self/limits`; where there is none, nothing is said.
 */
export function warnOfFewFiles(log: Logger, connections: number, table = readTable()): void {
  const files = Number(/^Max open files\s+(\d+)/m.exec(table)?.[1] ?? Infinity);
  if (files >= connections + OWN_FILES) return;
  const text = `limits.connections is ${connections}, and this process may open ${files} files only: `;
  log.warn(
    { files, connections },
    `${text}past them clients are hung up on; allow more (ulimit -n), or lower the limit`,
  );
}

/**
 * Tries every second whether a file can be opened: says once when that is no more so, and once when it is again.
 * @param tries - opens a file and closes it; throws when that cannot be.
 * @returns how to stop.
 */
export function watchFiles(log: Logger, clock: Pick<Clock, 'setTimer'> = systemClock, tries = openOne): () => void {
  let out = false;
  let cancel = (): void => {};
  const look = (): void => {
    const now = isOut(tries);
    if (now && !out)
      log.error(
        {},
        `no more files can be opened (ulimit -n): clients that connect now are hung up on; the others go on`,
      );
    if (!now && out) log.warn({}, 'files can be opened again: clients that connect are let in');
    out = now;
    cancel = clock.setTimer(INTERVAL, look);
  };
  look();
  return () => cancel();
}

function isOut(tries: () => void): boolean {
  try {
    tries();
    return false;
  } catch (error) {
    const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
    return code === 'EMFILE' || code === 'ENFILE';
  }
}

function openOne(): void {
  closeSync(openSync('/dev/null', 'r'));
}

function readTable(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return '';
  }
}
