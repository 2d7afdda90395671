// What systemd gives to a service and wants to hear of it: sd_listen_fds(3), sd_notify(3), sd_watchdog_enabled(3). Node cannot
// send datagrams to a Unix socket, so the notifications are sent by `systemd-notify`, which comes with systemd.

import { execFile } from 'node:child_process';

import type { Logger } from '../contracts/index.js';

type Environment = Record<string, string | undefined>;

const FIRST_DESCRIPTOR = 3;
/** What a socket unit may call its sockets (`FileDescriptorName=`): the kind of endpoint. */
const SCHEMES: readonly string[] = ['tcp', 'unix', 'ws'];

/**
 * URLs for the sockets that systemd opened for this process; empty when there are none. They are of the kind that their name
 * tells, else TCP. Taken out of the environment, as they are not for the processes that this one starts.
 */
export function inheritedEndpoints(env: Environment, pid: number): string[] {
  const { LISTEN_PID: owner, LISTEN_FDS: count = '', LISTEN_FDNAMES: names = '' } = env;
  delete env['LISTEN_PID'];
  delete env['LISTEN_FDS'];
  delete env['LISTEN_FDNAMES'];
  if (owner !== String(pid) || !/^\d{1,4}$/.test(count)) return [];
  const called = names.split(':');
  return Array.from({ length: Number(count) }, (_, i) => {
    const scheme = SCHEMES.find((known) => known === called[i]) ?? 'tcp';
    return `${scheme}://?fd=${FIRST_DESCRIPTOR + i}`;
  });
}

/** Tells systemd how the service fares; does nothing when nobody wants to know (`NOTIFY_SOCKET` is not set). */
export class ServiceNotifier implements Disposable {
  readonly #wanted: boolean;
  readonly #logger: Logger;
  readonly #pid: number;
  readonly #watchdog: number;
  #timer: NodeJS.Timeout | undefined;
  #failed = false;

  constructor(env: Environment, pid: number, logger: Logger) {
    this.#wanted = (env['NOTIFY_SOCKET'] ?? '') !== '';
    this.#pid = pid;
    this.#logger = logger;
    const { WATCHDOG_USEC: micros = '', WATCHDOG_PID: watched = String(pid) } = env;
    this.#watchdog = /^[1-9]\d*$/.test(micros) && watched === String(pid) ? Number(micros) / 1000 : 0;
  }

  /** The service can be used. From now on the watchdog hears of it, twice as often as it needs. */
  ready(status: string): void {
    this.#tell(`--pid=${this.#pid}`, '--ready', `--status=${status}`);
    if (!this.#wanted || this.#watchdog === 0) return;
    this.#timer = setInterval(() => this.#tell('WATCHDOG=1'), this.#watchdog / 2).unref();
  }

  /** The service ends. */
  stopping(): void {
    this.#tell('STOPPING=1');
    this[Symbol.dispose]();
  }

  /** It hears nothing more. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #tell(...args: string[]): void {
    if (!this.#wanted) return;
    execFile('systemd-notify', args, { timeout: 10_000 }, (error) => {
      if (error === null) return;
      // Once: the watchdog would fill the log.
      if (!this.#failed)
        this.#logger.warn({ err: error }, 'systemd-notify failed: systemd does not hear of this service');
      this.#failed = true;
    }).unref();
  }
}
