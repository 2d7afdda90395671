// Node does not tell a server that it may open no more files: its clients are hung up on without a word in the log.

import { readFileSync } from 'node:fs';

import type { Logger } from '../contracts/index.js';

/** Of the store, the log, the listeners, and Node itself. */
const OWN_FILES = 64;

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
    `${text}past them clients are hung up on, and no line says so; allow more (ulimit -n), or lower the limit`,
  );
}

function readTable(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return '';
  }
}
