// Kept messages: many are published, then someone subscribes to all of them.

import { FIRST_NUMBER, makeBody } from '../bodies.js';
import type { ClientTarget } from '../clients/client.js';
import { CLIENTS } from '../clients/index.js';
import type { Measured } from '../measured.js';
import { measured } from '../measured.js';

export interface ReplayTask {
  readonly kind: 'replay';
  readonly target: ClientTarget;
  readonly messages: number;
  readonly bodyBytes: number;
}

const BURST = 200;
const PREFIX = 'kept';

export async function runReplay({ target, messages, bodyBytes }: ReplayTask): Promise<Measured> {
  const publisher = await CLIENTS[target.client](target, 'publisher');
  const body = makeBody(bodyBytes);
  for (let i = 0; i < messages;) {
    const burst = [];
    for (let k = 0; k < BURST && i < messages; k++, i++) {
      burst.push(publisher.keep?.(`${PREFIX}/${i % 100}/${i}`, { ...body, seq: FIRST_NUMBER + i }));
    }
    await Promise.all(burst);
  }
  await publisher.flush?.();
  const reader = await CLIENTS[target.client](target, 'subscriber');
  const result = await measured(target.pid, async () => {
    let count = 0;
    let done: () => void = () => {};
    const all = new Promise<void>((resolve) => (done = resolve));
    await reader.replay?.(PREFIX, () => {
      if (++count === messages) done();
    });
    await all;
    return count;
  });
  await Promise.all([publisher.close(), reader.close()]);
  return result;
}
