// Data with options, for a proxy whose methods take data alone.

import type { PublishOptions } from '../client/index.js';
import type { StreamOptions } from '../rpc/index.js';

/** Of `emit`: those of `client.publish`. Of `send`: those of `client.call`, or of `client.stream`. */
export interface SpokeRecordOptions extends PublishOptions, StreamOptions {
  /**
   * Of `send`: whether the Observable has each value of a stream on its own, as it comes. Default `false`: it has one, an array
   * where the provider streams.
   */
  readonly stream?: boolean;
}

/**
 * Data for `SpokeClient` with options: `proxy.emit('rooms/kitchen/temp', new SpokeRecord(21.5, { persist: true }))`,
 * `proxy.send('math/square', new SpokeRecord(3, { timeout: 1000 }))`, `proxy.send('lines', new SpokeRecord('file', { stream: true }))`.
 */
export class SpokeRecord<T = unknown> {
  readonly data: T;
  readonly options: SpokeRecordOptions;

  constructor(data: T, options: SpokeRecordOptions = {}) {
    this.data = data;
    this.options = options;
  }
}
