/**
 * What a bridge costs: messages a second from one publisher to one subscriber on one broker, and across a bridge, and the
 * processor time of each process on the way. Brokers and the bridge are processes of their own, over TCP on this machine;
 * publisher and subscriber send and count bytes, so that clients cost little.
 *
 * npm run bench:micro bridge
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Bridge } from '../../../src/bridge/index.js';
import { Broker } from '../../../src/broker/index.js';

const MESSAGES = 200_000;
const ROUNDS = 3;
/** Messages on their way at a time, so that nobody is a slow consumer. */
const WINDOW = 4000;
const BATCH = 200;

interface Program {
  readonly child: ChildProcess;
  /** A broker's. */
  readonly port: number;
}

const [role, ...args] = process.argv.slice(2);
if (role === 'broker') {
  const broker = await Broker.start({ listen: 'tcp://127.0.0.1:0' });
  report(Number(new URL(broker.addresses[0] ?? '').port));
} else if (role === 'bridge') {
  const [port1 = '', port2 = '', codec1 = 'json', codec2 = 'json'] = args;
  const bridge = new Bridge({
    url1: { host: '127.0.0.1', port: Number(port1) },
    url2: { host: '127.0.0.1', port: Number(port2) },
    codec1,
    codec2,
  });
  await bridge.start();
  report(0);
} else await main();

/** Says that it runs, and answers every message with the processor time it has used, in microseconds. */
function report(port: number): void {
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send?.(user + system);
  });
  process.send?.(port);
}

async function start(...argv: string[]): Promise<Program> {
  const child = fork(fileURLToPath(import.meta.url), argv);
  const [port] = (await once(child, 'message')) as [number];
  return { child, port };
}

async function processorTime({ child }: Program): Promise<number> {
  child.send('time');
  const [time] = (await once(child, 'message')) as [number];
  return time;
}

/** Carries messages from a publisher at one port to a subscriber at another, and says how many seconds it took. */
async function carry(from: number, to: number, body: string): Promise<number> {
  const [publisher, subscriber] = await Promise.all([dial(from), dial(to)]);
  subscriber.write('{"head": {"channel": "-control/subscribe"}, "body": "bench/x"}\0');
  const frame = `{"head": {"channel": "bench/x"}, "body": "${body}"}\0`;
  const batch = Buffer.from(frame.repeat(BATCH));
  let received = 0;
  let wake = (): void => {};
  subscriber.on('data', (chunk) => {
    for (let at = chunk.indexOf(0); at >= 0; at = chunk.indexOf(0, at + 1)) received++;
    wake();
  });
  const until = async (count: number): Promise<void> => {
    while (received < count) await new Promise<void>((resolve) => (wake = resolve));
  };
  // The subscription gets around: the first message that arrives says so.
  const probing = setInterval(() => publisher.write(frame), 20);
  await until(1);
  clearInterval(probing);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const before = received;
  const begin = process.hrtime.bigint();
  for (let sent = 0; sent < MESSAGES; sent += BATCH) {
    await until(before + sent - WINDOW);
    publisher.write(batch);
  }
  await until(before + MESSAGES);
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
  publisher.destroy();
  subscriber.destroy();
  return seconds;
}

async function dial(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return socket;
}

async function main(): Promise<void> {
  const programs: Program[] = [];
  const run = async (...argv: string[]): Promise<Program> => {
    const program = await start(...argv);
    programs.push(program);
    return program;
  };
  const [a, b, c] = [await run('broker'), await run('broker'), await run('broker')];
  const bridges: readonly (readonly [string, Program, Program])[] = [
    ['across a bridge', b, await run('bridge', `${a.port}`, `${b.port}`)],
    ['across a bridge that translates', c, await run('bridge', `${a.port}`, `${c.port}`, 'json', 'msgpack')],
  ];
  try {
    for (const bytes of [128, 4096]) {
      const body = 'x'.repeat(bytes - 2);
      console.log(`\nbodies of ${bytes} bytes`);
      const direct = await best([a], a.port, a.port, body);
      print('direct', direct, direct, ['broker']);
      for (const [name, far, bridge] of bridges) {
        print(name, await best([a, bridge, far], a.port, far.port, body), direct, ['broker', 'bridge', 'broker']);
      }
    }
  } finally {
    for (const { child } of programs) child.kill();
  }
}

interface Result {
  readonly perSecond: number;
  /** Microseconds a message, of each program. */
  readonly costs: readonly number[];
}

async function best(programs: readonly Program[], from: number, to: number, body: string): Promise<Result> {
  let found: Result = { perSecond: 0, costs: [] };
  for (let round = 0; round < ROUNDS; round++) {
    const before = await Promise.all(programs.map(processorTime));
    const seconds = await carry(from, to, body);
    const after = await Promise.all(programs.map(processorTime));
    const perSecond = MESSAGES / seconds;
    if (perSecond > found.perSecond) {
      found = { perSecond, costs: after.map((time, n) => (time - (before[n] ?? 0)) / MESSAGES) };
    }
  }
  return found;
}

function print(name: string, { perSecond, costs }: Result, direct: Result, programs: readonly string[]): void {
  const ratio = (perSecond / direct.perSecond).toFixed(2);
  const times = costs.map((cost, n) => `${programs[n] ?? ''} ${cost.toFixed(2)} µs`).join(', ');
  console.log(`  ${name.padEnd(32)} ${Math.round(perSecond / 1000)}k messages/s  ${ratio}  ${times}`);
}
