// The file of a Unix socket outlives a listener that was killed, and then nobody can listen there. It is removed when
// nobody is behind it, and never when somebody is, or when it is something else.
//
// Everything after the question to the listener is synchronous, so that no other program of this machine has more than
// microseconds to come in between; what it may do in them is undone.

import { randomUUID } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { linkSync, lstatSync, renameSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { systemCode } from '../tcp/errors.js';

/** What stands at a path. */
export type Occupant =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'stale'; readonly file: BigIntStats }
  | { readonly kind: 'listener' }
  | { readonly kind: 'other'; readonly what: string }
  | { readonly kind: 'unknown'; readonly cause: unknown };

/** Finds out what stands at a path, by connecting to it. */
export async function occupantOf(path: string): Promise<Occupant> {
  const file = look(path);
  if (file === undefined) return { kind: 'nothing' };
  if (!file.isSocket()) return { kind: 'other', what: kindOf(file) };
  const answer = await tryToConnect(path);
  switch (answer.code) {
    case undefined:
      return { kind: 'listener' };
    case 'ECONNREFUSED':
      return { kind: 'stale', file };
    case 'ENOENT':
      return { kind: 'nothing' };
    // A full queue, or a listener of another kind.
    case 'EAGAIN':
    case 'EPROTOTYPE':
      return { kind: 'listener' };
    default:
      return { kind: 'unknown', cause: answer.error };
  }
}

/**
 * Removes a stale file that `occupantOf` has found. Another listener may have done the same and have opened its own
 * since: so the file is first taken aside, and put back when it is not the one that was found.
 */
export function removeStale(path: string, found: BigIntStats): void {
  const aside = takeAside(path);
  if (aside === undefined) return;
  const file = look(aside);
  // The number of a deleted file may be given to the next one; its time is not.
  if (file !== undefined && isSame(file, found) && file.mtimeNs === found.mtimeNs) unlinkSync(aside);
  else putBack(aside, path);
}

/** The file at a path itself; a symbolic link is not followed. */
export function look(path: string): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

/** Runs what would remove the file at `path`, and keeps it there unless it is `own`. */
export function keepForeign(path: string, own: BigIntStats | undefined, remove: () => void): void {
  const present = look(path);
  // A file's number is not given away while a socket is bound to it.
  const foreign = present !== undefined && !(own !== undefined && isSame(present, own));
  const aside = foreign ? tryToTakeAside(path) : undefined;
  try {
    remove();
  } finally {
    if (aside !== undefined) putBack(aside, path);
  }
}

function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}

function takeAside(path: string): string | undefined {
  const aside = join(dirname(path), `.spoke-${randomUUID()}`);
  try {
    renameSync(path, aside);
    return aside;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

// Who may not move a file may not remove it either.
function tryToTakeAside(path: string): string | undefined {
  try {
    return takeAside(path);
  } catch {
    return undefined;
  }
}

function putBack(aside: string, path: string): void {
  try {
    // Unlike a rename, it does not replace what a third one may have put there.
    linkSync(aside, path);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
  unlinkSync(aside);
}

function tryToConnect(path: string): Promise<{ code: string | undefined; error: unknown }> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.on('connect', () => {
      socket.destroy();
      resolve({ code: undefined, error: undefined });
    });
    socket.on('error', (error) => resolve({ code: systemCode(error) ?? 'unknown', error }));
  });
}

function kindOf(file: BigIntStats): string {
  if (file.isDirectory()) return 'a directory';
  if (file.isSymbolicLink()) return 'a symbolic link';
  return file.isFile() ? 'a file' : 'something';
}
