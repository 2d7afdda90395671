// The folder of a store, for one broker alone. LMDB lets several programs write to one file, but each of them would serve a
// past of its own.

import { constants } from 'node:fs';
import { access, mkdir, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname } from 'node:path';

import { SpokeError } from '../../contracts/index.js';
import { codeOf } from './failures.js';

/** Makes a folder, and those above it, unless it is there and can be used. Node's own way tries for ever in folders such as `/proc`. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST' && (await stat(folder)).isDirectory()) {
      await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
      return;
    }
    if (code !== 'ENOENT' || dirname(folder) === folder) throw error;
    await makeFolder(dirname(folder));
    await mkdir(folder);
  }
}

/** Lets go of the folder. Never fails. */
export type Release = () => Promise<void>;

/**
 * Takes a folder for this store alone, until it lets go or its process ends, however it ends: the lock is a socket without
 * a file (Linux) or a named pipe (Windows), which the system takes back by itself. Elsewhere there is no lock.
 * @throws {SpokeError} `STORE_FAILED`: somebody has it.
 */
export async function lockFolder(folder: string): Promise<Release> {
  const name = await nameOf(folder);
  if (name === undefined) return async () => {};
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const text =
        error.code === 'EADDRINUSE'
          ? `${folder} is in use by another broker; give each one a folder of its own`
          : `${folder} cannot be locked: ${error.message}`;
      reject(new SpokeError('STORE_FAILED', text, { cause: error, details: { folder } }));
    });
    server.listen({ path: name, exclusive: true }, resolve);
  });
  // It is there for its name only, and keeps no program running.
  server.unref();
  return async () => new Promise((resolve) => server.close(() => resolve()));
}

// By device and inode: the same folder by another path is the same folder.
async function nameOf(folder: string): Promise<string | undefined> {
  const { dev, ino } = await stat(folder, { bigint: true });
  if (process.platform === 'linux') return `\0spoke-store/${dev}/${ino}`;
  if (process.platform === 'win32') return `\\\\.\\pipe\\spoke-store-${dev}-${ino}`;
  return undefined;
}
