// One message as this codec's reader leaves it.

import type { MessageView } from '../../contracts/index.js';
import { JsonHead } from './head.js';

const EMPTY = new Uint8Array(0);
const NO_HEAD = new JsonHead('', true, false);

/**
 * What `JsonCodec.forward` and `decodeBody` need beyond a `MessageView`: they take views of their own readers only.
 * One object for each reader, written anew by each `read`.
 */
export class JsonView implements MessageView {
  head = NO_HEAD;
  time: number | undefined = undefined;
  bytes: Uint8Array = EMPTY;
  bodyStart = 0;
  bodyEnd = 0;
  headStart = 0;
  /** After the closing brace of the head. */
  headEnd = 0;
  /** The number of `time` as it came. Meaningless when `time` is undefined. */
  timeStart = 0;
  timeEnd = 0;
  /** The bytes between head and body are those the peers write, so that both go out in one piece. */
  adjacent = false;
}
