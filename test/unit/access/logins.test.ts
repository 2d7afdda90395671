// Logging in on a connection: what clients and the broker say, and what becomes of who is not known.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { ChainAuthenticator, hashToken, TokenAuthenticator } from '../../../src/access/index.js';
import { MsgpackCodec } from '../../../src/codecs/index.js';
import type { Authenticator, Authorizer, Identity, LoginPeer } from '../../../src/contracts/index.js';
import { memoryNetwork } from '../../../src/testing/index.js';
import { PlainBroker } from '../../support/plain-broker.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import type { Stage } from '../../support/stage.js';
import { memoryStage } from '../../support/stage.js';
import type { VirtualClock } from '../../support/virtual-clock.js';

let stage: Stage;
let clock: VirtualClock;
let logger: RecordingLogger;
beforeEach(() => {
  ({ stage, clock } = memoryStage());
  logger = new RecordingLogger();
});
afterEach(async () => stage.close());

const TOKEN = 'the-token-of-alice';
const tokens = () => new TokenAuthenticator({ [hashToken(TOKEN)]: 'alice' });
/** Everyone is let in; alice alone may publish. */
const open = () => new ChainAuthenticator([tokens()], { anonymous: true });
const onlyAlice: Authorizer = { allows: ({ name }, action) => action === 'subscribe' || name === 'alice' };

const hello = (more: object = {}) => JSON.stringify({ nonce: '1', features: ['errors', 'ping', 'auth'], ...more });

describe('a client with credentials', () => {
  it.each([
    ['JSON', undefined],
    ['msgpack', new MsgpackCodec()],
  ])('is who it says it is from its first message on, in %s', async (_, codec) => {
    ({ stage, clock } = memoryStage(codec === undefined ? {} : { codec: () => codec }));
    await stage.broker({ authenticator: open(), authorizer: onlyAlice });
    const { client, errors } = await stage.join({ auth: { token: TOKEN } });
    const got: unknown[] = [];
    await client.subscribe('x', ({ body }) => got.push(body));
    await client.publish('x', 1);
    await client.flush();
    expect(got).toEqual([1]);
    expect(errors.items).toEqual([]);
  });

  it('is known before what it published without a connection is sent', async () => {
    const { client, errors } = stage.prepare({ auth: { token: TOKEN } });
    const published = client.publish('x', 1);
    const broker = await stage.broker({ authenticator: open(), authorizer: onlyAlice });
    await client.connect();
    await published;
    await client.flush();
    expect(broker.stats.refused).toBe(0);
    expect(errors.items).toEqual([]);
  });

  it('logs in again after each reconnect, and a function is asked for its credentials each time', async () => {
    const given: string[] = [];
    await stage.broker({ authenticator: tokens() });
    const { client, tap } = await stage.join({
      auth: async () => {
        given.push(TOKEN);
        return { token: TOKEN };
      },
    });
    expect(given).toHaveLength(1);
    tap.connection.cut();
    await clock.advance(100);
    await client.flush();
    expect(given).toHaveLength(2);
  });

  it('that cannot get its credentials tries again later', async () => {
    await stage.broker({ authenticator: tokens() });
    let asked = 0;
    const { client } = stage.prepare({
      auth: () => {
        if (++asked === 1) throw new Error('the vault is locked');
        return { token: TOKEN };
      },
    });
    const connected = client.connect();
    await clock.advance(100);
    await connected;
    expect(client.state).toBe('connected');
  });

  it('that are wrong is told so: connecting fails with UNAUTHENTICATED, and is not tried again', async () => {
    const broker = await stage.broker({ authenticator: tokens(), logger });
    const { client } = stage.prepare({ auth: { token: 'wrong' } });
    await expect(client.connect()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(client.state).toBe('closed');
    await clock.advance(60_000);
    expect(broker.stats.connections).toBe(0);
    expect(logger.lines.warn.map(({ text }) => text)).toContainEqual(expect.stringContaining('login is not right'));
  });

  it('is served by a broker that knows of no logins: one of ours that lets everybody in, one of the peers', async () => {
    await stage.broker();
    const { client } = await stage.join({ auth: { token: TOKEN } });
    await client.flush();
    const network = memoryNetwork();
    await PlainBroker.start(network.transport('plain'), 'memory://plain', network.clock);
    const other = await network.client({ to: 'plain', auth: { token: TOKEN } });
    await network.until(other.flush());
    await network.close();
  });

  it('never says them to a broker that does not ask: one of the peers would show them to everybody', async () => {
    await using network = memoryNetwork();
    await PlainBroker.start(network.transport('plain'), 'memory://plain', network.clock);
    const monitor = await network.client({ to: 'plain' });
    const seen: unknown[] = [];
    await network.until(monitor.subscribe('**', ({ head, body }) => seen.push([head, body])));
    const client = await network.client({ to: 'plain', auth: { user: 'alice', password: TOKEN } });
    await network.until(client.publish('x', 1));
    await network.until(client.flush());
    await network.until(monitor.flush());
    expect(JSON.stringify(seen)).toContain('"x"');
    expect(JSON.stringify(seen)).not.toContain(TOKEN);
  });

  it('is not seen logging in by monitors of our broker either', async () => {
    await stage.broker({ authenticator: open() });
    const monitor = await stage.raw();
    monitor.subscribe('**');
    await clock.idle();
    await stage.client({ auth: { token: TOKEN } });
    await clock.idle();
    expect(monitor.frames.items.join()).not.toContain(TOKEN);
  });
});

describe('a broker that lets nobody in who has not logged in', () => {
  it('tells a client without credentials, and ends it', async () => {
    await stage.broker({ authenticator: tokens() });
    const { client } = stage.prepare();
    const ended = new Promise((resolve) => client.on('state', (state, error) => state === 'closed' && resolve(error)));
    // It stands as far as the client can tell, until the broker has had its say.
    await client.connect();
    expect(await ended).toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('takes nothing from an old peer, and closes it after limits.connectTimeout', async () => {
    const broker = await stage.broker({ authenticator: tokens(), limits: { connectTimeout: 2000 } });
    const inside = await stage.client({ auth: { token: TOKEN } });
    await inside.publish('x', 'kept', { persist: true });
    const peer = await stage.raw();
    peer.subscribe('**');
    peer.publish('x', '"forged"', { persist: true });
    await clock.idle();
    await inside.publish('y', 1);
    await inside.flush();
    expect(peer.frames.items).toEqual([]);
    expect(await inside.kept.get('x')).toMatchObject({ body: 'kept' });
    await clock.advance(2000);
    expect(peer.isClosed).toBe(true);
    expect(broker.stats.connections).toBe(1);
  });

  it('passes on nothing of somebody who is nobody, and keeps nothing: not what is a request, not what is none', async () => {
    const broker = await stage.broker({ authenticator: tokens() });
    const inside = await stage.client({ auth: { token: TOKEN } });
    const seen: string[] = [];
    await inside.subscribe('**', ({ channel }) => seen.push(channel), { bounce: false });
    const peer = await stage.raw();
    for (const channel of ['-control/unsubscribe', '-control/ping/a/1', '-control/subscribe']) {
      peer.publish(channel, '"text for everybody"');
      peer.publish(channel, '"text for everybody"', { persist: true });
    }
    await clock.idle();
    await inside.flush();
    expect(seen).toEqual([]);
    expect(broker.stats.kept.messages).toBe(0);
  });

  it('keeps what follows a hello until it knows who speaks, and takes nothing of it when that is nobody', async () => {
    const asked: ((identity: Identity | undefined) => void)[] = [];
    const slow: Authenticator = {
      takesLogins: true,
      authenticate: ({ login }: LoginPeer) =>
        login === undefined ? undefined : new Promise<Identity | undefined>((resolve) => asked.push(resolve)),
    };
    const broker = await stage.broker({ authenticator: slow });
    const [a, b] = [await stage.raw(), await stage.raw()];
    for (const raw of [a, b]) {
      raw.publish('-control/hello', hello({ auth: { token: TOKEN } }));
      raw.subscribe('x');
      raw.publish('x', '1');
    }
    await clock.idle();
    expect(broker.stats.subscriptions).toBe(0);
    asked[0]?.({ name: 'alice' });
    asked[1]?.(undefined);
    await clock.idle();
    expect((await a.take(2)).map(({ body }) => body)).toEqual([expect.objectContaining({ nonce: '1' }), 1]);
    expect((await b.take(2)).map(({ head }) => head.channel)).toEqual(['-control/welcome', '-control/error']);
    expect(await b.closed()).toBeDefined();
    expect(broker.stats).toMatchObject({ subscriptions: 1, delivered: 1 });
  });

  it('stops asking when the client goes away meanwhile', async () => {
    const signals: AbortSignal[] = [];
    await stage.broker({
      authenticator: {
        takesLogins: true,
        authenticate(peer: LoginPeer, signal) {
          if (peer.login === undefined) return undefined;
          signals.push(signal);
          return new Promise(() => {});
        },
      },
    });
    const a = await stage.raw();
    a.publish('-control/hello', hello({ auth: { token: TOKEN } }));
    await clock.idle();
    a.cut();
    await clock.idle();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  });
});

describe('who guesses', () => {
  /** What a login is answered with: a welcome, or an error. */
  async function guess(token: string): Promise<string> {
    const raw = await stage.raw();
    raw.publish('-control/hello', hello());
    await raw.next();
    raw.publish('-control/hello', hello({ auth: { token } }));
    const { head, body } = await raw.next();
    await raw.close();
    return `${head.channel} ${JSON.stringify(body)}`;
  }

  it('is not even listened to after ten wrong logins from one address, not with the right one either, for a while', async () => {
    await stage.broker({ authenticator: tokens(), logger });
    for (let n = 0; n < 10; n++) expect(await guess(`guess ${n}`)).toContain('the login is not right');
    expect(logger.lines.warn.filter(({ text }) => text.includes('not right'))).toHaveLength(10);
    expect(await guess(TOKEN)).toContain('too many logins');
    await clock.advance(6000);
    expect(await guess(TOKEN)).toContain('-control/welcome');
  });
});

describe('an anonymous user', () => {
  it('becomes someone else by a login; what it subscribed to before brings what that one may see', async () => {
    await stage.broker({
      authenticator: open(),
      authorizer: {
        allows: ({ name }, action, target) => action === 'publish' || name === 'alice' || target === 'public',
        allowsSome: () => true,
      },
    });
    const [a, b] = [await stage.raw(), await stage.raw()];
    a.subscribe('**');
    await clock.idle();
    b.publish('secret', '1');
    b.publish('public', '2');
    await clock.idle();
    expect((await a.next()).body).toBe(2);
    a.publish('-control/hello', hello({ auth: { token: TOKEN } }));
    expect((await a.next()).head.channel).toBe('-control/welcome');
    b.publish('secret', '3');
    expect((await a.next()).body).toBe(3);
  });

  it('may be an old peer, which never notices that there are users', async () => {
    await stage.broker({ authenticator: open(), authorizer: onlyAlice, logger });
    const peer = await stage.raw();
    peer.subscribe('x');
    peer.publish('x', '1');
    await clock.idle();
    const { client } = await stage.join({ auth: { token: TOKEN } });
    await client.publish('x', 2);
    expect((await peer.next()).body).toBe(2);
    await clock.advance(60_000);
    expect(peer.isClosed).toBe(false);
  });
});
