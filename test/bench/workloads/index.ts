// Every workload, in the order of the report.

import { brokerOnly } from './broker-only.js';
import { endToEndWorkloads } from './end-to-end.js';
import type { Workload } from './workload.js';

export type { Figures, Scale, Workload } from './workload.js';

export const WORKLOADS: readonly Workload[] = [...brokerOnly, ...endToEndWorkloads];
