// Plays a recorded conversation against a broker: the clients' bytes as recorded, and what the broker then says.

import { readFileSync } from 'node:fs';
import type { Wire } from '../support/independent-peer/index.js';
import { RawPeer } from '../support/independent-peer/index.js';

interface Row {
  readonly connection: number;
  readonly from: 'client' | 'server';
  readonly text: string;
}

/** For each connection, the messages recorded from the server and those that came now. */
export type Played = ReadonlyMap<number, { readonly recorded: readonly string[]; readonly played: readonly string[] }>;

export const TRANSCRIPTS = ['basic', 'bounce', 'persist', 'rpc'];

export function rowsOf(name: string): Row[] {
  const file = new URL(`../fixtures/peer-transcripts/${name}.jsonl`, import.meta.url);
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Row => JSON.parse(line));
}

/**
 * @param connect - opens a raw connection to the broker.
 * @param send - how the bytes of a row leave. Default: in one piece.
 * @param settle - awaited after what a client sent was handled by its broker.
 */
export async function play(
  rows: readonly Row[],
  connect: () => Promise<Wire>,
  send: (peer: RawPeer, text: string) => void = (peer, text) => peer.send(text),
  settle: () => Promise<void> = async () => {},
): Promise<Played> {
  const peers = new Map<number, RawPeer>();
  const recorded = new Map<number, string[]>();
  const played = new Map<number, { recorded: string[]; played: string[] }>();
  for (const { connection } of rows) {
    if (!peers.has(connection)) peers.set(connection, new RawPeer(await connect()));
    recorded.set(connection, []);
  }
  for (const { connection, from, text } of rows) {
    const peer = peers.get(connection);
    const expected = recorded.get(connection);
    if (peer === undefined || expected === undefined) throw new Error(`no connection ${connection}`);
    if (from === 'client') {
      send(peer, text);
      await peer.roundTrip();
      await settle();
    } else {
      expected.push(...text.split('\0').slice(0, -1));
      await peer.until(() => peer.messages.length >= expected.length, `${expected.length} messages`);
    }
  }
  await settle();
  for (const [connection, peer] of peers) {
    // After this nothing can be on its way any more.
    await peer.roundTrip();
    if (peer.complaints.length > 0) throw new Error(peer.complaints.join('\n'));
    played.set(connection, { recorded: recorded.get(connection) ?? [], played: [...peer.messages] });
  }
  for (const peer of peers.values()) await peer.end();
  return played;
}

const TIME = /"time": ([0-9.]+)/;

/** The bytes apart from the number of the head's time. */
export function withoutTime(message: string): string {
  return message.replace(TIME, '"time": <time>');
}

/** The head's time in seconds; `NaN` when there is none. */
export function timeOf(message: string): number {
  return Number(TIME.exec(message)?.[1]);
}
