// What a soak has to say at its end.

import type { Findings } from './findings.js';
import type { Fit, Memory, Sample } from './memory.js';
import { isFlat } from './memory.js';
import type { Part } from './parts/part.js';
import type { World } from './world.js';

export interface Summary {
  readonly minutes: number;
  readonly bridgeRestarts: number;
  readonly brokerRestarts: number;
  readonly parts: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly memory: { readonly used: Fit; readonly resident: Fit; readonly handles: Fit };
  readonly first: Sample | undefined;
  readonly last: Sample | undefined;
  readonly findings: { readonly count: number; readonly texts: readonly string[] };
}

export function summaryOf(soak: {
  readonly minutes: number;
  readonly world: World;
  readonly memory: Memory;
  readonly parts: readonly Part[];
  readonly findings: Findings;
}): Summary {
  const { minutes, world, memory, parts, findings } = soak;
  const { bridgeRestarts, brokerRestarts } = world;
  return {
    minutes,
    bridgeRestarts,
    brokerRestarts,
    parts: Object.fromEntries(parts.map(({ name, counts }) => [name, { ...counts }])),
    memory: {
      used: memory.fit(({ used }) => used),
      resident: memory.fit(({ resident }) => resident),
      handles: memory.fit(({ handles }) => handles),
    },
    first: memory.samples[0],
    last: memory.samples.at(-1),
    findings: { count: findings.count, texts: findings.texts },
  };
}

/** For a person. */
export function report(summary: Summary): string {
  const { minutes, bridgeRestarts, brokerRestarts, parts, memory, first, last, findings } = summary;
  const lines = [`${minutes} minutes, ${bridgeRestarts} restarts of the bridge, ${brokerRestarts} of the far broker`];
  for (const [name, counts] of Object.entries(parts)) {
    const shown = Object.entries(counts).map(([what, count]) => `${what} ${count}`);
    lines.push(`${name}: ${shown.join(', ')}`);
  }
  const held = (sample: Sample | undefined) =>
    `${sample?.used.toFixed(1)} MiB used, ${sample?.resident.toFixed(0)} resident, ${sample?.handles} handles`;
  lines.push(
    `first sample: ${held(first)}`,
    `last sample: ${held(last)}`,
    `fitted after the warm-up, used: ${line(memory.used)}: ${isFlat(memory.used, minutes) ? 'flat' : 'NOT FLAT'}`,
    `fitted after the warm-up, resident: ${line(memory.resident)}`,
    `${findings.count} findings`,
    ...findings.texts,
  );
  return `${lines.join('\n')}\n`;
}

function line({ from, to, slope, samples }: Fit): string {
  return `${from.toFixed(1)} to ${to.toFixed(1)} MiB, ${slope.toFixed(1)} MiB an hour, ${samples} samples`;
}
