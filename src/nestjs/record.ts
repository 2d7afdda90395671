// Data with options, for a proxy whose methods take data alone.

import type { PublishOptions } from '../client/index.js';
import type { CallOptions } from '../rpc/index.js';

/** Of `emit`: those of `client.publish`. Of `send`: those of `client.call`. */
export type SpokeRecordOptions = PublishOptions & CallOptions;

/**
 * Data for `SpokeClient` with options: `proxy.emit('rooms/kitchen/temp', new SpokeRecord(21.5, { persist: true }))`,
 * `proxy.send('math/square', new SpokeRecord(3, { timeout: 1000 }))`.
 */
export class SpokeRecord<T = unknown> {
  readonly data: T;
  readonly options: SpokeRecordOptions;

  constructor(data: T, options: SpokeRecordOptions = {}) {
    this.data = data;
    this.options = options;
  }
}
