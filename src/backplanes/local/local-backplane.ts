// One broker alone.

import type { Backplane, BackplaneStats, Kept } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';

const STATS: BackplaneStats = Object.freeze({
  kind: 'local',
  reachable: true,
  engine: 'none',
  sent: 0,
  received: 0,
  dropped: 0,
  pendingBytes: 0,
});

/** No other brokers: nothing is sent, and nothing costs anything. The default. */
export class LocalBackplane implements Backplane {
  readonly joins = false;
  readonly stats = STATS;

  async open(): Promise<void> {}

  refuses(): undefined {}

  widened(pattern: string): string {
    return pattern;
  }

  subscribe(): void {}

  unsubscribe(): void {}

  async flush(): Promise<void> {}

  publish(): void {}

  /** @throws {SpokeError} `UNSUPPORTED` */
  async keep(): Promise<Kept> {
    throw new SpokeError('UNSUPPORTED', 'a broker alone keeps its messages itself');
  }

  forget(): void {}

  tell(): void {}

  async close(): Promise<void> {}
}
