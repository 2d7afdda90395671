// Msgpack behind a length, as docs/protocol.md#msgpack lays it out, without a time: the broker adds that.

import { Packr } from 'msgpackr';
import type { Wire } from './wire.js';

const packr = new Packr({ useRecords: false, variableMapSize: true });
const LENGTH_BYTES = 4;
/** What the broker adds to a head: the text `time`, and a float of 64 bits. */
const TIME_BYTES = 1 + 'time'.length + 1 + 8;
let pings = 0;

function message(channel: string, body: unknown): Uint8Array {
  const head = packr.pack({ channel });
  const packed = packr.pack(body);
  const frame = Buffer.alloc(LENGTH_BYTES + 2);
  frame.writeUInt32BE(2 + head.length + packed.length, 0);
  frame.writeUInt16BE(head.length, LENGTH_BYTES);
  return Buffer.concat([frame, head, packed]);
}

export const spokeMsgpackWire: Wire = {
  greeting: () => new Uint8Array(0),
  // Any broker sends a ping to whoever subscribed to it, so it tells that what was sent before has taken effect.
  subscribe: (patterns) => {
    const ping = `-control/ping/bench-${process.pid}/${++pings}`;
    return Buffer.concat([
      ...[...patterns, ping].map((pattern) => message('-control/subscribe', pattern)),
      message(ping, null),
      message('-control/unsubscribe', ping),
    ]);
  },
  // Nothing else is sent to a subscriber before.
  subscribed: (received) =>
    received.length >= LENGTH_BYTES &&
    received.length === LENGTH_BYTES + Buffer.from(received.slice(0, LENGTH_BYTES), 'latin1').readUInt32BE(),
  publish: (channel, body) => message(channel, JSON.parse(body)),
  delivery: (_pattern, channel, body) => ({ bytes: message(channel, JSON.parse(body)).length + TIME_BYTES }),
};
