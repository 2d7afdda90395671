// Runs one task in a thread of its own, with a heap of its own, and posts its result.

import { parentPort, workerData } from 'node:worker_threads';
import type { CrowdTask } from './crowd.js';
import { runCrowd } from './crowd.js';
import type { IdleTask } from './idle.js';
import { runIdle } from './idle.js';
import type { ProbeTask } from './probe.js';
import { runProbe } from './probe.js';
import type { PublisherTask } from './publisher.js';
import { runPublisher } from './publisher.js';
import type { RawTask } from './raw.js';
import { runRaw } from './raw.js';
import type { ReplayTask } from './replay.js';
import { runReplay } from './replay.js';
import type { CallerTask, ProviderTask } from './rpc.js';
import { runCaller, runProvider } from './rpc.js';
import type { StartTask } from './command.js';
import { runStart } from './command.js';
import type { StallTask } from './stall.js';
import { runStall } from './stall.js';
import type { SubscriberTask } from './subscriber.js';
import { runSubscriber } from './subscriber.js';

export type Task =
  | RawTask
  | CrowdTask
  | StallTask
  | IdleTask
  | PublisherTask
  | SubscriberTask
  | CallerTask
  | ProviderTask
  | ReplayTask
  | ProbeTask
  | StartTask;

async function perform(task: Task): Promise<unknown> {
  switch (task.kind) {
    case 'raw':
      return runRaw(task);
    case 'crowd':
      return runCrowd(task);
    case 'stall':
      return runStall(task);
    case 'idle':
      return runIdle(task);
    case 'publisher':
      return runPublisher(task);
    case 'subscriber':
      return runSubscriber(task);
    case 'caller':
      return runCaller(task);
    case 'provider':
      return runProvider(task);
    case 'replay':
      return runReplay(task);
    case 'probe':
      return runProbe(task);
    case 'start':
      return runStart(task);
  }
}

parentPort?.postMessage(await perform(workerData));
