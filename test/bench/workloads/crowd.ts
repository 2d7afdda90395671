// Broker only, beside many subscriptions of others: what they cost themselves, and what they cost everybody else.

import type { CrowdResult } from '../drivers/crowd.js';
import { addressOf, ONE_TO_ONE, perDelivery, SPREAD, unfit, warmUpOf } from './broker-only.js';
import type { Workload } from './workload.js';
import { durationOf } from './workload.js';

/**
 * 70 % literal, 20 % with `*`, 10 % with `**`, a tenth of these beginning with it where the server knows that. They match
 * nothing that is published, and begin as those channels do.
 */
function crowd(count: number, globstars: boolean): string[] {
  return Array.from({ length: count }, (_, i) => {
    const place = `bench/site${i % 500}`;
    const kind = i % 10;
    if (kind < 7) return `${place}/robot/${i}/pose`;
    if (kind < 9) return i % 20 < 10 ? `${place}/*/${i}/state` : `${place}/robot/${i}/*`;
    return globstars && i % 100 === 9 ? `**/alarm-${i}` : `${place}/robot/${i}/**`;
  });
}

export const crowdWorkloads: readonly Workload[] = [
  {
    name: 'crowd',
    about:
      'broker only, one to one beside 100,000 subscriptions of others (70 % literal, 20 % *, 10 % **), none of which match; the same spread over 5,000 channels',
    figures: [
      { key: 'cpu', title: 'server µs/message' },
      { key: 'times', title: 'times 1 to 1' },
      { key: 'spread', title: 'spread: times 1 to 1' },
      { key: 'bytes', title: 'bytes/subscription' },
      { key: 'subscribe', title: 'server µs/subscribe' },
    ],
    unfit: (kind) => unfit(kind, 'wildcards', 'subscriptions'),
    run: async (run) => {
      const { settle } = run.scale;
      const duration = durationOf(run.scale, warmUpOf(ONE_TO_ONE));
      const { alone, crowded, spread, subscribing, bytesEach } = await run.drivers.start<CrowdResult>({
        kind: 'crowd',
        server: addressOf(run),
        crowd: crowd(run.scale.crowd, run.kind.can.includes('globstars')),
        traffic: ONE_TO_ONE,
        spread: SPREAD,
        duration,
        settle,
      });
      const base = alone.reduce((sum, one) => sum + perDelivery(one, 1).cpu, 0) / alone.length;
      const { cpu } = perDelivery(crowded, 1);
      return {
        cpu,
        times: cpu / base,
        spread: perDelivery(spread, 1).cpu / base,
        bytes: bytesEach,
        subscribe: perDelivery(subscribing, 1).cpu,
      };
    },
  },
];
