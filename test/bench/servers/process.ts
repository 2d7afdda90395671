// A server as a child process: started, waited for until it says that it is ready, ended by its process id.

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import type { RunningServer } from './server.js';

const START_TIMEOUT = 10_000;
const STOP_TIMEOUT = 3_000;

const running = new Set<ChildProcess>();
// The last line of defence; every run stops its server itself.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export interface Launch {
  readonly command: string;
  readonly arguments: readonly string[];
  /** Matches the output when the server is ready. Its first group, if it has one, is the port. */
  readonly ready: RegExp;
  /** When the output does not tell it. */
  readonly port?: number;
}

export async function launch({ command, arguments: args, ready, port }: Launch): Promise<RunningServer> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  running.add(child);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  void ended.then(() => running.delete(child));

  let output = '';
  const said = new Promise<number>((resolve) => {
    const listen = (chunk: string) => {
      // Only the beginning is of interest; a server may log for as long as it likes.
      if (output.length < 20_000) output += chunk;
      const match = ready.exec(output);
      if (match !== null) resolve(port ?? Number(match[1]));
    };
    child.stdout.setEncoding('utf8').on('data', listen);
    child.stderr.setEncoding('utf8').on('data', listen);
  });

  const stop = async () => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT);
    await ended;
    clearTimeout(timer);
  };
  const failed = ended.then((how) => {
    throw new Error(`${command} ended (${how})${output === '' ? '' : `:\n${output.slice(-2000)}`}`);
  });
  failed.catch(() => {});

  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${command} was not ready in ${START_TIMEOUT} ms:\n${output}`)),
      START_TIMEOUT,
    );
  });
  try {
    const actual = await Promise.race([said, failed, late]);
    if (child.pid === undefined) throw new Error(`${command} has no process id`);
    return { pid: child.pid, port: actual, stop, failed };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Where a program is, or `undefined`. Debian keeps servers in /usr/sbin, which not every PATH has. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** A port that was free a moment ago, for servers that cannot choose one themselves. */
export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
