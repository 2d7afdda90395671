// One message as this codec's reader leaves it.

import type { MessageView } from '../../contracts/index.js';
import { JsonHead } from './head.js';
import { dataOf } from './words.js';

const EMPTY = new Uint8Array(0);
const NO_DATA = dataOf(EMPTY);
const NO_HEAD = new JsonHead('', true, false);

/**
 * What `JsonCodec.forward` and `decodeBody` need beyond a `MessageView`: they take views of their own readers only.
 * One object for each reader, written anew by each `read`.
 */
export class JsonView implements MessageView {
  head = NO_HEAD;
  time: number | undefined = undefined;
  id: string | undefined = undefined;
  bytes: Uint8Array = EMPTY;
  bodyStart = 0;
  bodyEnd = 0;
  /** The same memory as `bytes`, beginning `base` bytes earlier. */
  data: DataView = NO_DATA;
  base = 0;
  /** Where the message begins. This and all other positions are those of `bytes`. */
  start = 0;
  headStart = 0;
  /** After the closing brace of the head. */
  headEnd = 0;
  /** The number of `time` as it came; an empty range when there is none. */
  timeStart = 0;
  timeEnd = 0;
  /** The bytes before the head, and those between head and body, are those that the peers write. */
  asPeersWrite = false;

  /** Lets go of the message's memory. */
  clear(): void {
    this.bytes = EMPTY;
    this.data = NO_DATA;
    this.base = this.bodyStart = this.bodyEnd = 0;
  }
}
