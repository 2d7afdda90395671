// Where the processor time of a server on Node went, from the profile that Node wrote when it ended.

import { readFileSync } from 'node:fs';

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  /** Microseconds since the sample before. */
  readonly timeDeltas: readonly number[];
}

/** The functions with most time of their own, in shares of the time that was not idle. */
export function hottest(file: string, count: number): string[] {
  const profile: Profile = JSON.parse(readFileSync(file, 'utf8'));
  const names = new Map(
    profile.nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => [
      id,
      `${functionName || '(anonymous)'} ${url.replace(/^.*\/(?=[^/]+\/[^/]+$)/, '')}${url === '' ? '' : `:${lineNumber + 1}`}`,
    ]),
  );
  const times = new Map<string, number>();
  let busy = 0;
  for (const [i, id] of profile.samples.entries()) {
    const name = names.get(id) ?? '';
    const time = profile.timeDeltas[i] ?? 0;
    if (name.startsWith('(idle)')) continue;
    busy += time;
    times.set(name, (times.get(name) ?? 0) + time);
  }
  return [...times]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([name, time]) => `${((100 * time) / busy).toFixed(1).padStart(5)} %  ${name}`);
}
