/**
 * What a contract costs a call: bare, by a contract that nothing checks, and by one that zod checks on both sides (argument and
 * result, by caller and provider: four checks). Caller, broker and provider in one process; processor time of all three
 * together, 64 calls in flight. Rounds are interleaved.
 *
 * npm run bench:micro -- contracts
 */
import * as z from 'zod';

import { Broker } from '../../../src/broker/index.js';
import type { Transport } from '../../../src/contracts/index.js';
import { Client } from '../../../src/node/index.js';
import { MemoryTransport } from '../../../src/transports/index.js';
import { TcpTransport } from '../../../src/transports/tcp/index.js';
import { method, service, unchecked } from '../../../src/typed/index.js';

const ROUNDS = 7;
const CALLS = 12_800;
const IN_FLIGHT = 64;
const ARGUMENT = { id: 12345, name: 'kitchen', values: [1.5, 2.25, -3], ok: true };

const Thing = z.object({ id: z.number(), name: z.string(), values: z.array(z.number()), ok: z.boolean() });
type Thing = z.infer<typeof Thing>;
const plain = service('plain', { echo: method(unchecked<Thing>(), unchecked<Thing>()) });
const checked = service('checked', { echo: method(Thing, Thing) });

interface Figures {
  readonly cpu: number[];
  readonly ratio: number[];
  readonly rate: number[];
}

const NETWORKS: readonly (readonly [string, () => Transport, string])[] = [
  ['memory', () => new MemoryTransport(), 'memory://broker'],
  ['tcp', () => new TcpTransport(), 'tcp://127.0.0.1:0'],
];

for (const [network, makeTransport, listen] of NETWORKS) {
  const transports = [makeTransport()];
  const broker = await Broker.start({ listen, transports });
  const url = broker.addresses[0] ?? listen;
  const [caller, provider] = [await Client.connect({ url, transports }), await Client.connect({ url, transports })];
  await provider.provide('bare/echo', (thing: Thing) => thing);
  await provider.provide(plain, { echo: (thing) => thing });
  await provider.provide(checked, { echo: (thing) => thing });
  const [unchecking, checking] = [caller.use(plain), caller.use(checked)];
  const kinds: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['bare', () => caller.call('bare/echo', ARGUMENT)],
    ['contract', () => unchecking.echo(ARGUMENT)],
    ['contract, zod', () => checking.echo(ARGUMENT)],
  ];
  const figures = new Map<string, Figures>(kinds.map(([kind]) => [kind, { cpu: [], ratio: [], rate: [] }]));
  for (const [, call] of kinds) await run(call);
  for (let round = 0; round < ROUNDS; round++) {
    let base = NaN;
    for (const [kind, call] of kinds) {
      const { microseconds, perSecond } = await run(call);
      if (Number.isNaN(base)) base = microseconds;
      figures.get(kind)?.cpu.push(microseconds);
      figures.get(kind)?.ratio.push(microseconds / base);
      figures.get(kind)?.rate.push(perSecond);
    }
  }
  console.log(`\n${network}: ${ROUNDS} rounds of ${CALLS} calls, ${IN_FLIGHT} in flight`);
  for (const [kind, { cpu, ratio, rate }] of figures) {
    const range = `${Math.min(...ratio).toFixed(2)}-${Math.max(...ratio).toFixed(2)}`;
    const times = `${median(cpu).toFixed(1).padStart(6)} µs a call (least ${Math.min(...cpu).toFixed(1)})   ${median(ratio).toFixed(2)} of bare (${range})`;
    console.log(`  ${kind.padEnd(14)} ${times}   ${Math.round(median(rate))}/s`);
  }
  await Promise.all([caller.close(), provider.close()]);
  await broker.close();
}

const validate = (): unknown => Thing['~standard'].validate(ARGUMENT);
for (let n = 0; n < 100_000; n++) validate();
const begin = performance.now();
for (let n = 0; n < 1_000_000; n++) validate();
console.log(`\none check by zod: ${((performance.now() - begin) / 1000).toFixed(2)} µs`);

async function run(call: () => Promise<unknown>): Promise<{ microseconds: number; perSecond: number }> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  for (let n = 0; n < CALLS; n += IN_FLIGHT) await Promise.all(Array.from({ length: IN_FLIGHT }, call));
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { microseconds: (user + system) / CALLS, perSecond: CALLS / seconds };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}
