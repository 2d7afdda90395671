// Commands: what a script pays for one message.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { StartResult } from '../drivers/command.js';
import type { ServerKind } from '../servers/index.js';
import type { Workload } from './workload.js';

const commandOf = ({ dist = 'dist' }: ServerKind) => join(dist, 'cli', 'spoke-publish.cjs');

export const startWorkloads: readonly Workload[] = [
  {
    name: 'start',
    about: 'spoke-publish, from its start to its end, and `node -e 0`: medians of interleaved pairs',
    figures: [
      { key: 'command', title: 'ms' },
      { key: 'node', title: 'node -e 0, ms' },
      { key: 'more', title: 'difference, ms' },
    ],
    unfit: (kind) => {
      if (!kind.can.includes('commands')) return 'has no commands';
      return existsSync(commandOf(kind)) ? undefined : `no ${commandOf(kind)}`;
    },
    run: async ({ kind, server, drivers, scale }) => {
      const url = `tcp://127.0.0.1:${server.port}`;
      const command = [commandOf(kind), '--url', url, 'bench/start', '1'];
      return { ...(await drivers.start<StartResult>({ kind: 'start', command, pairs: scale.starts })) };
    },
  },
];
