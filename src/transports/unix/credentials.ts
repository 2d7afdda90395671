// Which process is behind an accepted Unix socket. The kernel noted it when that process connected and tells it to whoever
// holds the socket (SO_PEERCRED), but Node has no call for it. So a short-lived interpreter of the system (Perl, or else
// Python) is given the open socket and asks. docs/decisions/004-peer-credentials.md weighs the alternatives.

import { Buffer } from 'node:buffer';
import { spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import type { Socket } from 'node:net';
import type { PeerCredentials, PeerInfo } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import { textOf } from '../tcp/errors.js';
import { Turnstile } from './turnstile.js';

/** A program of the system that can ask the kernel. */
export interface Interpreter {
  /** Absolute, so that no PATH can name another. */
  readonly command: string;
  readonly args: (level: number, option: number) => readonly string[];
}

/**
 * The socket is descriptor 3 of the interpreter: Node would make 0, 1 and 2 blocking, and with them ours, which is the
 * same open socket.
 */
const SOCKET_DESCRIPTOR = 3;
/** In the order in which they are looked for. */
export const INTERPRETERS: readonly Interpreter[] = [
  {
    command: '/usr/bin/perl',
    args: (level, option) => [
      '-e',
      `open(my $s, "+<&=${SOCKET_DESCRIPTOR}") or die $!; ` +
        `my $c = getsockopt($s, ${level}, ${option}) or die $!; print join(" ", unpack("iII", $c));`,
    ],
  },
  {
    command: '/usr/bin/python3',
    args: (level, option) => [
      '-I',
      '-S',
      '-c',
      'import socket, struct; ' +
        `s = socket.socket(fileno=${SOCKET_DESCRIPTOR}); ` +
        `print(*struct.unpack("iII", s.getsockopt(${level}, ${option}, 12)), end="")`,
    ],
  },
];

/** SOL_SOCKET and SO_PEERCRED, where they are not 1 and 17. */
const SOCKET_LEVELS: Readonly<Record<string, readonly [level: number, option: number]>> = {
  mips: [0xffff, 18],
  mipsel: [0xffff, 18],
  ppc: [1, 21],
  ppc64: [1, 21],
};

/** Processes at a time: a crowd that connects must not become a crowd of interpreters. */
const AT_ONCE = 2;
const TIMEOUT = 5000;
const ANSWER = /^(\d+) (\d+) (\d+)$/;
/** What the kernel says when it does not know. */
const NOBODY_KNOWN = 0xffff_ffff;

/** Asks for the credentials of accepted sockets. */
export class CredentialsReader {
  /** Whether this system can be asked at all. */
  readonly supported = process.platform === 'linux';
  readonly #interpreters: readonly Interpreter[];
  readonly #turnstile = new Turnstile(AT_ONCE);
  #interpreter: Interpreter | undefined;

  constructor(interpreters: readonly Interpreter[] = INTERPRETERS) {
    this.#interpreters = interpreters;
  }

  /** The `credentials` of a `PeerInfo`: asks once, and again only if that failed. */
  of(socket: Socket, peer: string): NonNullable<PeerInfo['credentials']> {
    let known: PeerCredentials | undefined;
    return async (signal) => {
      try {
        known ??= await this.#turnstile.pass(() => this.#ask(socket, signal), signal);
        return known;
      } catch (cause) {
        throw new SpokeError(
          signal?.aborted ? 'ABORTED' : 'UNAUTHENTICATED',
          `${peer}: its credentials cannot be read: ${textOf(cause)}`,
          { cause, details: { address: peer } },
        );
      }
    };
  }

  async #ask(socket: Socket, signal: AbortSignal | undefined): Promise<PeerCredentials> {
    const { command, args } = await this.#findInterpreter();
    const descriptor = descriptorOf(socket);
    if (descriptor === undefined) throw new Error('the connection has ended');
    const [level, option] = SOCKET_LEVELS[process.arch] ?? [1, 17];
    return parse(await run(command, args(level, option), descriptor, signal));
  }

  async #findInterpreter(): Promise<Interpreter> {
    this.#interpreter ??= await findInterpreter(this.#interpreters);
    return this.#interpreter;
  }
}

async function findInterpreter(interpreters: readonly Interpreter[]): Promise<Interpreter> {
  for (const interpreter of interpreters) {
    try {
      await access(interpreter.command, constants.X_OK);
      return interpreter;
    } catch {
      // The next one, then.
    }
  }
  const names = interpreters.map(({ command }) => command).join(' nor ');
  throw new Error(`there is neither ${names}, and Node cannot ask the kernel itself`);
}

/** Of the open socket; Node has no public name for it. */
function descriptorOf(socket: Socket): number | undefined {
  const handle: unknown = Reflect.get(socket, '_handle');
  if (typeof handle !== 'object' || handle === null || !('fd' in handle)) return undefined;
  return typeof handle.fd === 'number' && handle.fd >= 0 ? handle.fd : undefined;
}

// The process is started before this returns, so the descriptor is still that socket's.
function run(
  command: string,
  args: readonly string[],
  descriptor: number,
  signal: AbortSignal | undefined,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe', descriptor],
      cwd: '/',
      // Nothing that could change what an interpreter does.
      env: {},
      timeout: TIMEOUT,
      killSignal: 'SIGKILL',
      ...(signal !== undefined && { signal }),
    });
    const output: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk));
    child.on('error', reject);
    child.on('close', (code, killedBy) => {
      if (code === 0) resolve(Buffer.concat(output).toString('latin1'));
      else reject(new Error(`${command} failed (${killedBy ?? code}): ${Buffer.concat(errors).toString().trim()}`));
    });
  });
}

function parse(answer: string): PeerCredentials {
  const [, pid, uid, gid] = (ANSWER.exec(answer) ?? []).map(Number);
  if (pid === undefined || uid === undefined || gid === undefined || uid === NOBODY_KNOWN) {
    throw new Error(`the answer was ${JSON.stringify(answer)}`);
  }
  return { pid, uid, gid };
}
