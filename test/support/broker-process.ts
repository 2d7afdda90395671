// A broker of a cluster in a process of its own, to be killed. Needs `npm run build` first.

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const PROGRAM = join(import.meta.dirname, '../../dist/cli/spoke-server.cjs');

/** It comes back on the port that it had before. */
export class BrokerProcess {
  url = 'tcp://127.0.0.1:0';
  #child: ChildProcess | undefined;

  /** @param backplane - the engine's URL. */
  constructor(readonly backplane: string) {}

  async start(): Promise<void> {
    const args = [PROGRAM, '--listen', this.url, '--backplane', this.backplane, '--json', '--log-level', 'silent'];
    // It does not start while the engine is not there.
    for (let attempt = 0; attempt < 20; attempt++) {
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
      const line = await Promise.race([
        once(createInterface(child.stdout), 'line'),
        once(child, 'exit').then(() => []),
      ]);
      if (typeof line[0] !== 'string') continue;
      [this.url = this.url] = (JSON.parse(line[0]) as { addresses: string[] }).addresses;
      this.#child = child;
      return;
    }
    throw new Error('a broker does not start');
  }

  /** @param signal - `SIGTERM`: it ends cleanly. */
  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  }
}
