// A nats-server of Debian's package, on a port and in a folder of its own.

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PROGRAM = '/usr/sbin/nats-server';
const PATIENCE = 15_000;

export interface NatsServerOptions {
  /** More arguments. */
  readonly args?: readonly string[];
  /** Default `true`. */
  readonly jetstream?: boolean;
}

export class NatsServer {
  readonly port: number;
  readonly #folder: string;
  readonly #options: NatsServerOptions;
  #child: ChildProcess | undefined;

  private constructor(port: number, folder: string, options: NatsServerOptions) {
    this.port = port;
    this.#folder = folder;
    this.#options = options;
  }

  static async start(options: NatsServerOptions = {}): Promise<NatsServer> {
    if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is missing: apt-get install nats-server`);
    const server = new NatsServer(await freePort(), await mkdtemp(join(tmpdir(), 'spoke-nats-')), options);
    await server.again();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts it again where it was. */
  async again(): Promise<void> {
    const { args = [], jetstream = true } = this.#options;
    const child = spawn(
      PROGRAM,
      ['-a', '127.0.0.1', '-p', String(this.port), ...(jetstream ? ['-js', '-sd', this.#folder] : []), ...args],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.#child = child;
    let log = '';
    child.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
    const until = Date.now() + PATIENCE;
    // It says so when it is, in a log whose form is its own affair: asking is surer.
    while (!(await this.#answers())) {
      if (child.exitCode !== null || Date.now() > until) throw new Error(`nats-server does not start: ${log}`);
      await once(child.stderr ?? child, 'data', { signal: AbortSignal.timeout(100) }).catch(() => undefined);
    }
  }

  /** As a crash: nothing is written any more. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  /** It hangs, or goes on. */
  freeze(frozen: boolean): void {
    this.#child?.kill(frozen ? 'SIGSTOP' : 'SIGCONT');
  }

  /** What it has kept is gone. To be called while it does not run. */
  async wipe(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  async remove(): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #answers(): Promise<boolean> {
    const socket = connect(this.port, '127.0.0.1');
    try {
      await once(socket, 'data', { signal: AbortSignal.timeout(1000) });
      return true;
    } catch {
      return false;
    } finally {
      socket.destroy();
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
