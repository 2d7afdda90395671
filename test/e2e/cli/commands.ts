// Runs the built commands as a user does: as processes with arguments, an environment, output and an exit code.
// Needs `npm run build` first.

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

export type CommandName =
  | 'spoke-server'
  | 'spoke-echo'
  | 'spoke-publish'
  | 'spoke-call'
  | 'spoke-bench'
  | 'spoke-kept'
  | 'spoke-passwd'
  | 'spoke-clients'
  | 'spoke-bridge'
  | 'spoke-proxy';

export interface Ended {
  /** The exit code; `null` when a signal ended the process instead of the command itself. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const folder = fileURLToPath(new URL('../../../dist/cli/', import.meta.url));
// The slowest step on a busy machine is the start of a process; a test that waits longer waits for nothing.
const PATIENCE = 20_000;

const running = new Set<RunningCommand>();

/** A program that may write no file longer than so many KiB: for it the disk is full then. */
const IN_SMALL_FILES = 'trap "" XFSZ; ulimit -f "$0"; exec "$@"';

/**
 * Starts a command. Its environment has neither SPOKEHOST nor SPOKEPORT but those given here.
 * @param device - what its standard output is instead of a pipe.
 * @param fileLimit - KiB; writing more to one file fails, as on a full disk.
 */
export function start(
  name: CommandName,
  args: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
  device?: string,
  fileLimit?: number,
): RunningCommand {
  const { SPOKEHOST: _host, SPOKEPORT: _port, ...inherited } = process.env;
  const output = device === undefined ? 'pipe' : openSync(device, 'w');
  const line = [process.execPath, `${folder}${name}.cjs`, ...args];
  // bash, whose unit is a KiB.
  const [program = '', ...rest] =
    fileLimit === undefined ? line : ['/bin/bash', '-c', IN_SMALL_FILES, String(fileLimit), ...line];
  const child = spawn(program, rest, {
    env: { ...inherited, ...environment },
    stdio: ['ignore', output, 'pipe'],
  });
  if (output !== 'pipe') closeSync(output);
  const command = new RunningCommand([name, ...args].join(' '), child);
  running.add(command);
  return command;
}

/** Starts `spoke-server` so that it may open no more than so many files, and waits until it listens. */
export async function startServerWithFiles(files: number): Promise<{ server: RunningCommand; url: string }> {
  const line = [process.execPath, `${folder}spoke-server.cjs`, '--json', '--listen', 'tcp://127.0.0.1:0'];
  const child = spawn('/bin/bash', ['-c', 'ulimit -n "$0"; exec "$@"', String(files), ...line], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const server = new RunningCommand(`spoke-server with ${files} files`, child);
  running.add(server);
  const ready = JSON.parse(await server.line()) as { urls: string[] };
  return { server, url: ready.urls[0]! };
}

/** Runs a command until it ends by itself. */
export async function run(
  name: CommandName,
  args: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  return start(name, args, environment).ended();
}

/** Starts `spoke-server` and waits until it listens. */
export async function startServer(
  args: readonly string[] = ['--listen', 'tcp://127.0.0.1:0'],
): Promise<{ server: RunningCommand; url: string }> {
  const server = start('spoke-server', ['--json', ...args]);
  const ready = JSON.parse(await server.line()) as { urls: string[] };
  return { server, url: ready.urls[0]! };
}

/** For `afterEach`: whatever a test left running. */
export async function endAll(): Promise<void> {
  await Promise.all([...running].map((command) => command.kill()));
  running.clear();
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export class RunningCommand {
  readonly child: ChildProcess;
  readonly #what: string;
  readonly #output: Lines;
  readonly #errors: Lines;
  readonly #closed: Promise<Ended>;

  constructor(what: string, child: ChildProcess) {
    this.child = child;
    this.#what = what;
    this.#output = new Lines(child, 'stdout');
    this.#errors = new Lines(child, 'stderr');
    this.#closed = once(child, 'close').then(([code]) => ({
      code: code as number | null,
      stdout: this.#output.text,
      stderr: this.#errors.text,
    }));
  }

  /** The next line on standard output. */
  async line(): Promise<string> {
    return this.#within(this.#output.next(), 'no line');
  }

  /** The next line on standard error. */
  async note(): Promise<string> {
    return this.#within(this.#errors.next(), 'no line on standard error');
  }

  /** When the process has ended and its output was read. */
  async ended(): Promise<Ended> {
    return this.#within(this.#closed, 'it did not end');
  }

  /** Sends a signal and waits for the end. */
  async signal(name: 'SIGINT' | 'SIGTERM'): Promise<Ended> {
    this.child.kill(name);
    return this.ended();
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGKILL');
    await once(this.child, 'close');
  }

  async #within<T>(promise: Promise<T>, problem: string): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        const printed = JSON.stringify({ stdout: this.#output.text, stderr: this.#errors.text });
        reject(new Error(`${this.#what}: ${problem} in ${PATIENCE} ms; it printed ${printed}`));
      }, PATIENCE);
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** What a process prints, by lines. */
class Lines {
  text = '';
  #read = 0;
  #reader: (() => void) | undefined;
  #over = false;

  constructor(child: ChildProcess, name: 'stdout' | 'stderr') {
    const stream = child[name];
    stream?.setEncoding('utf8').on('data', (text: string) => {
      this.text += text;
      this.#reader?.();
    });
    stream?.on('close', () => {
      this.#over = true;
      this.#reader?.();
    });
  }

  async next(): Promise<string> {
    for (;;) {
      const end = this.text.indexOf('\n', this.#read);
      if (end >= 0) {
        const line = this.text.slice(this.#read, end);
        this.#read = end + 1;
        return line;
      }
      if (this.#over) throw new Error(`no further line; it printed ${JSON.stringify(this.text)} and closed`);
      await new Promise<void>((resolve) => (this.#reader = resolve));
    }
  }
}
