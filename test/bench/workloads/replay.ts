// End to end: a subscriber that comes late, and what that does to others.

import { MessageChannel } from 'node:worker_threads';
import type { ReplayResult } from '../drivers/replay.js';
import { addressOf, perDelivery, unfit } from './broker-only.js';
import { pair, targetOf } from './end-to-end.js';
import type { Workload } from './workload.js';

export const replayWorkloads: readonly Workload[] = [
  {
    name: 'replay',
    about: 'a new subscriber gets 50,000 kept messages; meanwhile another connection sends itself one after the other',
    figures: [
      { key: 'each', title: 'µs each' },
      { key: 'cpu', title: 'server µs each' },
      { key: 'clients', title: 'client µs' },
      { key: 'pause', title: 'longest wait of the other, ms' },
    ],
    unfit: (kind) => unfit(kind, 'replay'),
    run: async (run) => {
      const ports = new MessageChannel();
      const result = await pair<ReplayResult>(
        run.drivers,
        { kind: 'probe', server: addressOf(run), port: ports.port1 },
        { kind: 'replay', target: targetOf(run), messages: run.scale.kept, bodyBytes: 128, port: ports.port2 },
        ports,
      );
      const each = (result.seconds / result.messages) * 1e6;
      return { ...perDelivery(result, 1), each, pause: result.longestPause };
    },
  },
];
