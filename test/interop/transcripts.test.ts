import { afterEach, describe, expect, it } from '@jest/globals';
import { Broker, MemoryTransport, TcpTransport } from 'spoke';
import type { Wire } from '../support/independent-peer/index.js';
import { IndependentServer, tcpWire } from '../support/independent-peer/index.js';
import { memoryWire } from './memory-wire.js';
import type { Played } from './transcript.js';
import { play, rowsOf, timeOf, TRANSCRIPTS, withoutTime } from './transcript.js';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const portOf = (url: string | undefined): number => Number(new URL(url ?? '').port);

async function brokerOverTcp(): Promise<() => Promise<Wire>> {
  const broker = await Broker.start({ listen: 'tcp://127.0.0.1:0', transports: [new TcpTransport()] });
  closing.push(() => broker.close());
  return async () => tcpWire(portOf(broker.addresses[0]));
}

async function brokerInMemory(): Promise<() => Promise<Wire>> {
  const transport = new MemoryTransport({ scribble: true });
  const broker = await Broker.start({ listen: 'memory://broker', transports: [transport] });
  closing.push(() => broker.close());
  return async () => memoryWire(transport, 'memory://broker');
}

// The recorded conversations also say whether the stand-in for the peers' broker is a good one.
async function independentServer(): Promise<() => Promise<Wire>> {
  const server = await IndependentServer.start();
  closing.push(() => server.close());
  return async () => tcpWire(server.port);
}

const BROKERS = [
  { broker: 'our broker over TCP', start: brokerOverTcp },
  { broker: 'our broker over the memory transport', start: brokerInMemory },
  { broker: 'the independent server', start: independentServer },
];
const CASES = BROKERS.flatMap((one) => TRANSCRIPTS.map((transcript) => ({ ...one, transcript })));

function expectTheSameBytes(conversation: Played): void {
  for (const [connection, { recorded, played }] of conversation) {
    expect({ connection, messages: played.map(withoutTime) }).toEqual({
      connection,
      messages: recorded.map(withoutTime),
    });
  }
}

describe('A conversation recorded between programs of the existing network', () => {
  it.each(CASES)('goes the same way with $broker: $transcript', async ({ start, transcript }) => {
    const connect = await start();
    const before = Date.now() / 1000;
    const conversation = await play(rowsOf(transcript), connect);
    const after = Date.now() / 1000;
    expectTheSameBytes(conversation);

    const times = [...conversation.values()].flatMap(({ recorded, played }) =>
      recorded.map((message, i) => ({ recorded: timeOf(message), played: timeOf(played[i] ?? '') })),
    );
    for (const { recorded, played } of times) {
      expect(played).toBeGreaterThanOrEqual(before);
      expect(played).toBeLessThanOrEqual(after + 0.001);
      // What carried one time then carries one time now, and what came later is not stamped as earlier.
      for (const other of times) {
        if (other.recorded === recorded) expect(other.played).toBe(played);
        if (other.recorded > recorded) expect(other.played).toBeGreaterThanOrEqual(played);
      }
    }
  });

  it.each(TRANSCRIPTS)('goes the same way when every byte arrives alone: %s', async (transcript) => {
    const connect = await brokerInMemory();
    const conversation = await play(rowsOf(transcript), connect, (peer, text) => {
      for (const byte of Buffer.from(text)) peer.send(Uint8Array.of(byte));
    });
    expectTheSameBytes(conversation);
  });

  it('has something to say in every file', () => {
    for (const transcript of TRANSCRIPTS) {
      expect(rowsOf(transcript).filter(({ from }) => from === 'server')).not.toHaveLength(0);
    }
  });
});
