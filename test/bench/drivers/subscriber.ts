// End to end, the receiving half: clients that check the order of what they get and tell the publisher how far they are.

import type { MessagePort } from 'node:worker_threads';
import { OrderCheck } from '../bodies.js';
import type { ClientTarget } from '../clients/client.js';
import { CLIENTS } from '../clients/index.js';

export interface SubscriberTask {
  readonly kind: 'subscriber';
  readonly target: ClientTarget;
  readonly clients: number;
  readonly pattern: string;
  /** How many messages each client gets between two reports. */
  readonly reportEvery: number;
  /** To the publisher. */
  readonly port: MessagePort;
}

/** From the subscriber: `subscribed`, or how many messages its slowest client has. */
export type Progress = { readonly subscribed: true } | { readonly received: number };
/** From the publisher: report when every client has this many. */
export interface Goal {
  readonly total: number;
}

/** Ends when its thread is ended. */
export async function runSubscriber(task: SubscriberTask): Promise<never> {
  const { port, clients } = task;
  const received = new Float64Array(clients);
  const tell = (progress: Progress) => port.postMessage(progress);
  const step = task.reportEvery * clients;
  let sum = 0;
  let goal = Infinity;
  port.on('message', ({ total }: Goal) => {
    goal = total * clients;
    if (sum === goal) tell({ received: total });
  });
  const failed = new Promise<never>((_, reject) => {
    void (async () => {
      for (let i = 0; i < clients; i++) {
        const client = await CLIENTS[task.target.client](task.target, 'subscriber');
        const order = new OrderCheck();
        await client.subscribe(task.pattern, (body) => {
          try {
            order.check(body);
          } catch (error) {
            reject(error);
          }
          received[i]!++;
          if (++sum % step === 0 || sum === goal) tell({ received: received.reduce((a, b) => Math.min(a, b)) });
        });
      }
      tell({ subscribed: true });
    })().catch(reject);
  });
  return failed;
}
