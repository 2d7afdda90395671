// One trial: threads, connections, a warm-up, and the two questions. How many go through, and how long does one take?

import { randomUUID } from 'node:crypto';
import { MessageChannel } from 'node:worker_threads';

import type { ConnectionOptions } from '../arguments.js';
import type { Latency } from './latency.js';
import type { Task } from './messages.js';
import { Thread } from './thread.js';
import type { Trial } from './trial.js';

export interface Settings {
  readonly broker: Pick<ConnectionOptions, 'url' | 'codec'>;
  /** For each of the two questions. */
  readonly seconds: number;
  /** Per second. Without one it is half of what went through, which is found out first. */
  readonly rate: number | undefined;
  readonly inFlight: number;
}

export interface TrialResult extends Trial {
  /** As fast as it goes; absent when a rate was given. */
  readonly flood?: {
    /** Published, or called. */
    readonly perSecond: number;
    readonly deliveriesPerSecond: number;
    /** Of bodies delivered, in 10^6 bytes. */
    readonly megabytesPerSecond: number;
  };
  /** At a steady rate: from when a message was to be sent until it arrived, or a call's answer. */
  readonly steady: { readonly rate: number; readonly achieved: number } & Latency;
}

const WARM_UP_SECONDS = 0.5;
/** Of bodies on their way at most, so that no broker takes a receiver for a slow one; and messages, however small. */
const WINDOW_BYTES = 1024 * 1024;
const WINDOW_MESSAGES = 2048;

/** @param phase - told what is being done. */
export async function runTrial(trial: Trial, settings: Settings, phase: (text: string) => void): Promise<TrialResult> {
  const threads: Thread[] = [];
  try {
    phase('connecting');
    return await measure(trial, settings, phase, threads);
  } finally {
    await Promise.all(threads.map((thread) => thread.stop()));
  }
}

async function measure(
  trial: Trial,
  { broker, seconds, rate: asked, inFlight }: Settings,
  phase: (text: string) => void,
  threads: Thread[],
): Promise<TrialResult> {
  const begin = async (task: Task) => {
    const thread = await Thread.start(task, 'port' in task ? [task.port] : []);
    threads.push(thread);
    return thread;
  };
  const [senderTask, receiverTask] = tasks(trial, broker, inFlight);
  const receiver = await begin(receiverTask);
  const sender = await begin(senderTask);
  const working = <T>(work: Promise<T>): Promise<T> => Promise.race([work, receiver.failed, sender.failed]);

  const warmUp = Math.min(WARM_UP_SECONDS, seconds);
  let flood: TrialResult['flood'];
  phase('warming up');
  if (asked === undefined) {
    await working(sender.do({ order: 'flood', seconds: warmUp }));
    phase('as fast as it goes');
    const done = await working(sender.do({ order: 'flood', seconds }));
    const perSecond = done.messages / done.seconds;
    const deliveriesPerSecond = perSecond * (trial.workload === 'fan-out' ? trial.connections : 1);
    flood = { perSecond, deliveriesPerSecond, megabytesPerSecond: (deliveriesPerSecond * trial.payload) / 1e6 };
  }
  const rate = asked ?? Math.max(1, Math.round((flood?.perSecond ?? 0) / 2));
  await working(sender.do({ order: 'pace', seconds: warmUp, rate, measured: false }));
  phase(`at ${Math.round(rate)} a second`);
  const done = await working(sender.do({ order: 'pace', seconds, rate, measured: true }));
  const latency = done.latency ?? (await working(receiver.do({ order: 'take' }))).latency;
  if (latency === undefined) throw new TypeError('nobody measured');
  return { ...trial, ...(flood && { flood }), steady: { rate, achieved: done.messages / done.seconds, ...latency } };
}

/** Who sends and who receives. */
function tasks({ workload, payload, connections }: Trial, broker: Settings['broker'], inFlight: number): [Task, Task] {
  const common = { broker, epoch: process.hrtime.bigint() };
  // Others may measure with the same broker.
  const place = `spoke-bench/${randomUUID()}`;
  if (workload === 'rpc') {
    return [
      { ...common, role: 'caller', name: place, connections, payload, inFlight },
      { ...common, role: 'provider', name: place },
    ];
  }
  const shared = workload === 'fan-out';
  const { port1, port2 } = new MessageChannel();
  const window = Math.max(2 * connections, 4, Math.min(WINDOW_MESSAGES, Math.floor(WINDOW_BYTES / payload)));
  const channels = Array.from({ length: connections }, (_, i) => (shared ? place : `${place}/${i}`));
  return [
    { ...common, role: 'publisher', channels: shared ? [place] : channels, payload, window, port: port1 },
    { ...common, role: 'subscriber', channels, shared, step: Math.ceil(window / 8), port: port2 },
  ];
}
