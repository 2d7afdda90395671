// What went wrong with a store, in words for whoever runs the broker.

import { statfsSync } from 'node:fs';

import { SpokeError } from '../../contracts/index.js';

const TEXTS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied: it has to be readable and writable for the user of the broker',
  EPERM: 'permission denied: it has to be readable and writable for the user of the broker',
  EROFS: 'the file system is read-only',
  EEXIST: 'it is no folder',
  ENOENT: 'it cannot be made there',
  ENOTDIR: 'a part of its path is no folder',
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the disk quota is used up',
};

/** The error of a store that cannot be opened. */
export function notOpened(folder: string, cause: unknown): SpokeError {
  if (cause instanceof SpokeError) return cause;
  const text = `the store in ${folder} cannot be opened: ${textOf(cause)}`;
  return new SpokeError('STORE_FAILED', text, { cause, details: { folder } });
}

/** The error of a write that failed. */
export function notWritten(folder: string, cause: unknown): SpokeError {
  // LMDB says "Input/output error" of a full disk.
  const why = isFull(folder) ? TEXTS['ENOSPC'] : textOf(cause);
  const text = `the store in ${folder} could not be written, so this is not durable: ${why}`;
  return new SpokeError('STORE_FAILED', text, { cause, retryable: true, details: { folder } });
}

// A transaction of some messages, and the pages that lead to them.
const ROOM_BYTES = 1024 * 1024;

/** Whether there is hardly any room on the device of a folder. */
export function isFull(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize < ROOM_BYTES;
  } catch {
    return false;
  }
}

/** `ENOENT` and the like; empty when it has none. Not by class: the system's errors may be of another realm. */
export function codeOf(error: unknown): string {
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : '';
}

function textOf(cause: unknown): string {
  const code = codeOf(cause);
  const text = TEXTS[code];
  if (text !== undefined) return `${text} (${code})`;
  const message: unknown = typeof cause === 'object' && cause !== null ? Reflect.get(cause, 'message') : undefined;
  return typeof message === 'string' ? message : String(cause);
}
