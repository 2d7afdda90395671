import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { JsonCodec } from '../../../src/codecs/index.js';
import type { CloseReason, Codec, Connection, MessageView } from '../../../src/contracts/index.js';
import { SpokeError, withDefaults } from '../../../src/contracts/index.js';
import type { LinkHandler } from '../../../src/link/index.js';
import { blockOutboxes, Link, Recognition, Turn } from '../../../src/link/index.js';
import { MemoryTransport, parseAddress } from '../../../src/transports/index.js';
import { LengthCodec } from '../../support/length-codec.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const url = parseAddress('memory://here');
let clock: VirtualClock;
let client: Connection;
let server: Connection;
let clientClosed: CloseReason[];

beforeEach(async () => {
  clock = new VirtualClock();
  const transport = new MemoryTransport({ clock });
  const limits = withDefaults();
  const accepted: Connection[] = [];
  await transport.listen(url, (connection) => void accepted.push(connection), { limits });
  client = await transport.connect(url, { limits });
  server = accepted[0] ?? client;
  clientClosed = [];
  client.start({ data() {}, drain() {}, close: (reason) => clientClosed.push(reason) });
});
afterEach(() => {
  client.close();
  server.close();
});

class Recorder implements LinkHandler<MessageView, Codec> {
  readonly seen: string[] = [];
  onMessage: (() => void) | undefined;

  message(...[view, codec]: Parameters<LinkHandler<MessageView, Codec>['message']>): void {
    this.seen.push(`${codec.name}:${view.head.channel}`);
    this.onMessage?.();
  }

  refused(error: SpokeError): void {
    this.seen.push(error.code);
  }

  drain(): void {
    this.seen.push('drain');
  }

  close(reason: CloseReason): void {
    this.seen.push(`closed by ${reason.by}${reason.error ? ` ${reason.error.code}` : ''}`);
  }
}

function linked(spoken: Codec | readonly Codec[] = new JsonCodec()) {
  const recorder = new Recorder();
  const link = new Link(server, recorder, {
    ...('name' in spoken ? { codec: spoken } : { recognition: new Recognition(server, spoken) }),
    limits: withDefaults(),
    makeOutbox: blockOutboxes(new Turn(clock)),
  });
  link.start();
  return { link, recorder };
}

const json = (channel: string) => Buffer.from(`{"head": {"channel": "${channel}"}, "body": 1}\0`);

describe('a link', () => {
  it('hands over messages and refusals in order, and the end once, last', async () => {
    const { recorder } = linked();
    client.send(Buffer.concat([json('a'), Buffer.from('rubbish\0'), json('b')]));
    client.close();
    await clock.idle();
    expect(recorder.seen).toEqual(['json:a', 'MALFORMED', 'json:b', 'closed by remote']);
  });

  it('handles nothing more once it was ended, not even the rest of the chunk', async () => {
    const { link, recorder } = linked();
    recorder.onMessage = () => link.end();
    client.send(Buffer.concat([json('a'), json('b'), Buffer.from('rubbish\0')]));
    await clock.idle();
    expect(recorder.seen).toEqual(['json:a', 'closed by local']);
  });

  it('ends with the error it fails with, and the other side sees no orderly end', async () => {
    const { link, recorder } = linked();
    recorder.onMessage = () => link.fail(new SpokeError('LIMIT_EXCEEDED', 'too much'));
    client.send(Buffer.concat([json('a'), json('b')]));
    await clock.idle();
    expect(recorder.seen).toEqual(['json:a', 'closed by error LIMIT_EXCEEDED']);
    expect(clientClosed).toMatchObject([{ by: 'error' }]);
  });

  it('whose handler throws loses its connection', async () => {
    const { recorder } = linked();
    recorder.onMessage = () => {
      throw new Error('a bug');
    };
    client.send(json('a'));
    await clock.idle();
    expect(recorder.seen).toEqual(['json:a', 'closed by error HANDLER_FAILED']);
  });

  it('with several codecs takes the one that the first bytes are of', async () => {
    const { link, recorder } = linked([new JsonCodec(), new LengthCodec()]);
    expect(link.codec).toBeUndefined();
    client.send(LengthCodec.frame('a', 1));
    await clock.idle();
    expect(recorder.seen).toEqual(['length:a']);
    expect(link.codec?.name).toBe('length');
  });

  it('takes the codec only when it is sure, however small the pieces', async () => {
    const codecs = [new LengthCodec(), new JsonCodec()];
    const { link, recorder } = linked(codecs);
    for (const byte of LengthCodec.frame('a', 1)) {
      client.send(Uint8Array.of(byte));
      await clock.idle();
    }
    expect(link.codec).toBe(codecs[0]);
    expect(recorder.seen).toEqual(['length:a']);
  });

  it('ends with UNKNOWN_CODEC when none knows the first bytes', async () => {
    const { recorder } = linked([new LengthCodec(), new LengthCodec('other', 0x01)]);
    client.send(json('a'));
    await clock.idle();
    expect(recorder.seen).toEqual(['UNKNOWN_CODEC', 'closed by error UNKNOWN_CODEC']);
  });

  it('ends with UNKNOWN_CODEC when the codecs cannot tell after many bytes', async () => {
    class Undecided extends LengthCodec {
      override recognizes(): undefined {}
    }
    const { recorder } = linked([new Undecided('a'), new Undecided('b')]);
    for (let n = 0; n < 100; n++) client.send(Uint8Array.of(0));
    await clock.idle();
    expect(recorder.seen).toEqual(['UNKNOWN_CODEC', 'closed by error UNKNOWN_CODEC']);
  });

  it('ends when the stream is out of step', async () => {
    const { recorder } = linked(new LengthCodec());
    client.send(Uint8Array.of(0, 0xff, 0xff, 0xff, 1, 2, 3));
    await clock.idle();
    expect(recorder.seen).toEqual(['LIMIT_EXCEEDED', 'closed by error LIMIT_EXCEEDED']);
  });
});
