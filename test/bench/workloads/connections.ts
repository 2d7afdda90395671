// Broker only: connections that do not behave, and connections that do nothing.

import type { IdleResult } from '../drivers/idle.js';
import type { StallResult } from '../drivers/stall.js';
import { addressOf, TWO_TO_ONE, unfit, warmUpOf } from './broker-only.js';
import type { Workload } from './workload.js';
import { durationOf } from './workload.js';

const STALL_TIMES = 3;

export const connectionWorkloads: readonly Workload[] = [
  {
    name: 'stall',
    about: 'broker only, two publishers, two subscribers, one of which stops reading: what the healthy one still gets',
    figures: [
      { key: 'beside', title: 'messages/s beside' },
      { key: 'share', title: '% of before' },
      { key: 'gap', title: 'longest gap ms' },
      { key: 'growth', title: 'server grows by MB' },
    ],
    unfit: (kind) => unfit(kind),
    run: async (run) => {
      // Before and beside come one after the other: longer, so that what else the machine does meets both.
      const duration = durationOf(run.scale, warmUpOf(TWO_TO_ONE), STALL_TIMES);
      const task = { kind: 'stall', server: addressOf(run), traffic: TWO_TO_ONE, duration } as const;
      const { before, beside, longestGap, growth } = await run.drivers.start<StallResult>(task);
      return { beside, share: (beside / before) * 100, gap: longestGap, growth: growth / 1e6 };
    },
  },
  {
    name: 'idle',
    about: '5,000 connections with one subscription each that say nothing',
    figures: [{ key: 'kilobytes', title: 'KB/connection' }],
    unfit: (kind) => unfit(kind),
    run: async (run) => {
      const { idle, settle } = run.scale;
      const task = { kind: 'idle', server: addressOf(run), connections: idle, settle } as const;
      return { kilobytes: (await run.drivers.start<IdleResult>(task)).bytesPerConnection / 1024 };
    },
  },
];
