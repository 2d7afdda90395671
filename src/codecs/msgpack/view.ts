// One message as this codec's reader leaves it.

import type { MessageView } from '../../contracts/index.js';
import { MsgpackHead } from './head.js';

const EMPTY = new Uint8Array(0);

/** One object for each reader, written anew by each `read`. */
export class MsgpackView implements MessageView {
  head = new MsgpackHead(new Map([['channel', '']]), '', true, false);
  time: number | undefined = undefined;
  id: string | undefined = undefined;
  bytes: Uint8Array = EMPTY;
  bodyStart = 0;
  bodyEnd = 0;
}
