// A soak: everything at once, for as long as you like, with books.
//
//   npm run soak -- --minutes 30 --rate 60

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { Findings } from './findings.js';
import { isFlat, Memory } from './memory.js';
import { CutOff } from './parts/cut-off.js';
import { Calls } from './parts/calls.js';
import { Jobs } from './parts/jobs.js';
import { Kept } from './parts/kept.js';
import { Live } from './parts/live.js';
import { Once } from './parts/once.js';
import { Visitors } from './parts/visitors.js';
import { report, summaryOf } from './report.js';
import { Routine } from './routine.js';
import { World } from './world.js';

const HELP = `npm run soak -- [options]

  --minutes N   how long, default 30
  --rate N      acknowledged messages a second of each kind, default 60
  --json        the report as JSON

Two brokers with durable stores and a bridge; clients over TCP, WebSocket and Unix sockets. Ends with 1 when something was
lost, doubled or wrong, or when memory was not flat. Ctrl-C ends it early, with the report.
`;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    rate: { type: 'string', default: '60' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

async function soak(minutes: number, rate: number): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'spoke-soak-'));
  const findings = new Findings();
  process.on('warning', (warning) => findings.add(`warning: ${warning.message}`));
  try {
    await using world = await World.open(folder, findings);
    await fill(world, minutes);
    const parts = [
      await Live.open(world, findings, rate),
      await CutOff.open(world, findings, rate / 2),
      await Kept.open(world, findings, rate),
      await Jobs.open(world, findings, rate),
      await Calls.open(world, findings, rate / 6),
      new Visitors(world, findings, rate / 20),
      await Once.open(world, findings),
    ];
    const seconds = minutes * 60;
    const memory = new Memory(() => world.resources);
    const sampling = new Routine('sampling', Math.max(500, seconds * 4), findings, async () => {
      const { seconds: at, used, buffers, resident, handles } = memory.sample();
      const text = `${at.toFixed(0)} s: ${used.toFixed(1)} MiB used (${buffers.toFixed(1)} in buffers), ${resident.toFixed(0)} resident, ${handles} handles`;
      process.stderr.write(`${text}, ${findings.count} findings\n`);
    });
    let round = 0;
    const breaking = new Routine('breaking', Math.min(20_000, seconds * 150), findings, async () => {
      if (++round % 3 === 0) await world.restartFar();
      else if (round > 1) await world.restartBridge();
    });
    await ended(seconds * 1000);
    await breaking.stop();
    for (const part of parts) await part.finish();
    await sampling.stop();
    memory.sample();

    const summary = summaryOf({ minutes, world, memory, parts, findings });
    process.stdout.write(values.json ? `${JSON.stringify(summary)}\n` : report(summary));
    return findings.count === 0 && isFlat(summary.memory.used, minutes);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Fills what is bounded and remembers channels (docs/limits.md), so that its growth is not taken for a leak. */
async function fill(world: World, minutes: number): Promise<void> {
  const channels = minutes < 5 ? 1000 : 20_000;
  for (const [at, codec] of [world.near[0], world.far[0]].flatMap((url) => [
    [url, 'json'] as const,
    [url, 'msgpack'] as const,
  ])) {
    await using client = await world.visitor(at, { codec });
    for (let n = 0; n < channels; n++) {
      await client.publish(`fill/${n}/-rpc/${codec}/call`, n);
      if (n % 500 === 0) await client.flush();
    }
    await client.flush();
  }
}

async function ended(milliseconds: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        clearTimeout(timer);
        resolve();
      });
    }
  });
}

if (values.help) process.stdout.write(HELP);
else {
  const [minutes, rate] = [Number(values.minutes), Number(values.rate)];
  if (!(minutes > 0 && rate > 0)) {
    process.stderr.write(`--minutes and --rate are numbers above 0\n\n${HELP}`);
    process.exitCode = 2;
  } else process.exitCode = (await soak(minutes, rate)) ? 0 : 1;
}
