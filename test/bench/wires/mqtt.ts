// MQTT 3.1.1, quality of service 0.

import type { Wire } from './wire.js';
import { ascii } from './wire.js';

const CONNECT = 0x10;
const PUBLISH = 0x30;
const SUBSCRIBE = 0x82;
const CONNACK_BYTES = 4;
const PATTERNS_PER_PACKET = 1000;

function packet(type: number, ...parts: Uint8Array[]): Uint8Array {
  let length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = [type];
  do {
    const digit = length % 128;
    length = Math.floor(length / 128);
    head.push(length > 0 ? digit | 0x80 : digit);
  } while (length > 0);
  return Buffer.concat([Uint8Array.from(head), ...parts]);
}

function text(value: string): Uint8Array {
  const bytes = ascii(value);
  return Buffer.concat([Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes]);
}

/** A `**` at the end is `#`; `*` is `+`. */
export function topicFilterOf(pattern: string): string {
  return pattern.replace(/\*\*$/, '#').replaceAll('*', '+');
}

function portions<T>(values: readonly T[]): T[][] {
  const parts: T[][] = [];
  for (let i = 0; i < values.length; i += PATTERNS_PER_PACKET) parts.push(values.slice(i, i + PATTERNS_PER_PACKET));
  return parts;
}

let clients = 0;

export const mqttWire: Wire = {
  greeting: () =>
    packet(CONNECT, text('MQTT'), Uint8Array.of(4, 0x02, 0, 0), text(`bench-${process.pid}-${++clients}`)),
  welcome: CONNACK_BYTES,
  subscribe: (patterns) =>
    Buffer.concat(
      portions(patterns).map((some) =>
        packet(
          SUBSCRIBE,
          Uint8Array.of(0, 1),
          ...some.flatMap((pattern) => [text(topicFilterOf(pattern)), Uint8Array.of(0)]),
        ),
      ),
    ),
  subscribed: (received, count) => {
    // A SUBACK for each packet: the packet's number, and a byte for each pattern.
    const acks = portions(Array.from({ length: count })).map(
      (some) => packet(0x90, Uint8Array.of(0, 1), new Uint8Array(some.length)).length,
    );
    return received.length >= acks.reduce((sum, bytes) => sum + bytes, CONNACK_BYTES);
  },
  publish: (channel, body) => packet(PUBLISH, text(channel), ascii(body)),
  delivery: (_pattern, channel, body) => ({ bytes: packet(PUBLISH, text(channel), ascii(body)).length }),
};
