// Every workload, in the order of the report.

import { brokerOnly } from './broker-only.js';
import { connectionWorkloads } from './connections.js';
import { crowdWorkloads } from './crowd.js';
import { endToEndWorkloads } from './end-to-end.js';
import { replayWorkloads } from './replay.js';
import { startWorkloads } from './start.js';
import type { Workload } from './workload.js';

export type { Figures, Scale, Workload } from './workload.js';

export const WORKLOADS: readonly Workload[] = [
  ...brokerOnly,
  ...crowdWorkloads,
  ...connectionWorkloads,
  ...endToEndWorkloads,
  ...replayWorkloads,
  ...startWorkloads,
];
