// Remote calls: a provider in one thread, a caller in another, one call at a time or many in flight.

import { performance } from 'node:perf_hooks';
import type { MessagePort } from 'node:worker_threads';
import { isBody, makeBody } from '../bodies.js';
import type { ClientTarget } from '../clients/client.js';
import { CLIENTS } from '../clients/index.js';
import type { Measured } from '../measured.js';
import { measured } from '../measured.js';
import type { Duration, Stretch } from './task.js';
import { isOver } from './task.js';

const NAME = 'bench-echo';

export interface ProviderTask {
  readonly kind: 'provider';
  readonly target: ClientTarget;
  /** To the caller: any message means that the provider is there. */
  readonly port: MessagePort;
}

/** Ends when its thread is ended. */
export async function runProvider({ target, port }: ProviderTask): Promise<never> {
  const client = await CLIENTS[target.client](target, 'provider');
  await client.provide?.(NAME, (argument) => argument);
  port.postMessage('provided');
  return new Promise(() => {});
}

export interface CallerTask {
  readonly kind: 'caller';
  readonly target: ClientTarget;
  readonly inFlight: number;
  readonly bodyBytes: number;
  readonly duration: Duration;
  /** From the provider. */
  readonly port: MessagePort;
}

export interface CallerResult extends Measured {
  /** Microseconds. */
  readonly p50: number;
  readonly p99: number;
}

export async function runCaller({ target, inFlight, bodyBytes, duration, port }: CallerTask): Promise<CallerResult> {
  const provided = new Promise((resolve) => port.once('message', resolve));
  const client = await CLIENTS[target.client](target, 'caller');
  await provided;
  const body = makeBody(bodyBytes);
  const times: number[] = [];
  let calls = 0;
  const callOnAndOn = async (stretch: Stretch, since: number) => {
    for (let now = since; !isOver(stretch, since, calls);) {
      const seq = body.seq + (calls++ % 1000);
      const result = await client.call?.(NAME, { ...body, seq });
      if (!isBody(result) || result.seq !== seq) throw new Error(`call ${seq} got the answer of another one`);
      const then = performance.now();
      times.push(then - now);
      now = then;
    }
  };
  const run = async (stretch: Stretch): Promise<number> => {
    calls = times.length = 0;
    const since = performance.now();
    await Promise.all(Array.from({ length: inFlight }, () => callOnAndOn(stretch, since)));
    return times.length;
  };
  await run(duration.warmUp);
  const result = await measured(target.pid, () => run(duration.measured));
  times.sort((a, b) => a - b);
  const at = (share: number) => (times[Math.floor((times.length - 1) * share)] ?? 0) * 1000;
  await client.close();
  port.close();
  return { ...result, p50: at(0.5), p99: at(0.99) };
}
