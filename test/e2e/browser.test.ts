/** `spoke/browser`, as built, in a page with a strict security policy, in a real browser against a real broker. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Browser } from 'playwright-core';

import { Client } from '../../src/index.js';
import { TcpTransport } from '../../src/transports/tcp/index.js';
import { Collector } from '../support/collector.js';
import { RawConnection } from '../support/raw-connection.js';
import { hasChromium, Page, servePage, startChromium, THIS_MACHINE } from './browser/chromium.js';
import type { RunningCommand } from './cli/commands.js';
import { endAll, start } from './cli/commands.js';

// Without it the tests are no tests; only on a machine of one's own may they be left out.
const isLeftOut = !hasChromium && process.env['CI'] === undefined;
if (isLeftOut)
  process.emitWarning('/usr/bin/chromium is missing: the browser client is not tested (apt-get install chromium)');

jest.setTimeout(60_000);

let browser: Browser;
let site: Awaited<ReturnType<typeof servePage>>;
let server: RunningCommand;
let wsUrl: string;
let tcpUrl: string;
let node: Client;
let page: Page;

async function startBroker(ws: string, tcp: string): Promise<void> {
  server = start('spoke-server', ['--json', '--listen', ws, '--listen', tcp]);
  const { urls } = JSON.parse(await server.line()) as { urls: string[] };
  wsUrl = urls[0]!;
  tcpUrl = urls[1]!;
}

(isLeftOut ? describe.skip : describe)('a page in Chromium', () => {
  beforeAll(async () => {
    [browser, site] = await Promise.all([startChromium(), servePage()]);
  });
  afterAll(async () => {
    await browser?.close();
    await new Promise((resolve) => site?.server.close(resolve));
  });
  beforeEach(async () => {
    await startBroker('ws://127.0.0.1:0', 'tcp://127.0.0.1:0');
    node = await Client.connect(tcpUrl);
    page = await Page.open(browser, `http://127.0.0.1:${site.port}/`);
  });
  afterEach(async () => {
    await page.close();
    await node.close();
    await endAll();
  });

  describe.each(['json', 'msgpack'] as const)('with %s', (codec) => {
    beforeEach(async () => {
      const failure = await page.act('connect', { url: wsUrl, ...(codec === 'msgpack' && { codec }) });
      expect(failure).toBeUndefined();
    });
    afterEach(async () => {
      // Neither on import nor in use does anything break the policy.
      expect(await page.complaints()).toEqual([]);
    });

    test('gets what others publish, kept messages first, and publishes to others', async () => {
      await node.publish('kept/a', { n: 1 }, { persist: true });
      await page.act('subscribe', 'kept/*');
      expect(await page.next('message')).toEqual({ channel: 'kept/a', body: { n: 1 } });
      await node.publish('kept/b', 'Grüße ✓');
      expect(await page.next('message')).toEqual({ channel: 'kept/b', body: 'Grüße ✓' });

      const heard = new Collector<unknown>();
      await node.subscribe('from/page', ({ body }) => heard.add(body));
      await page.act('publish', 'from/page', { list: [1, 2.5, null, 'x'] });
      expect(await heard.next()).toEqual({ list: [1, 2.5, null, 'x'] });
    });

    test('calls, and answers calls', async () => {
      await node.provide('twice', (n: number) => 2 * n);
      expect(await page.act('call', 'twice', 21)).toBe(42);
      await page.act('provideSquare', 'square');
      expect(await node.call('square', 12)).toBe(144);
    });

    test('is connected again after the broker was restarted, still subscribed and still providing', async () => {
      await page.act('subscribe', 'news');
      await page.act('provideSquare', 'square');
      await server.kill();
      expect((await page.events.takeUntil(({ value }) => value === 'reconnecting')).at(-1)?.what).toBe('state');
      await startBroker(wsUrl, tcpUrl);
      await page.events.takeUntil(({ what, value }) => what === 'state' && value === 'connected', 20_000);
      await page.act('publish', 'in/order', 'to know that its subscriptions are back');
      await node.publish('news', 'after the restart');
      expect(await page.next('message')).toEqual({ channel: 'news', body: 'after the restart' });
      expect(await node.call('square', 5, { timeout: 20_000 })).toBe(25);
    });
  });

  test('sends and gets binary data with msgpack', async () => {
    await page.act('connect', { url: wsUrl, codec: 'msgpack' });
    const heard = new Collector<unknown>();
    await using other = await Client.connect({ url: tcpUrl, codec: 'msgpack' });
    await other.subscribe('bytes/up', ({ body }) => heard.add(body));
    await page.act('publishBytes', 'bytes/up', [0, 1, 255]);
    expect(await heard.next()).toEqual(Uint8Array.of(0, 1, 255));
    await page.act('subscribe', 'bytes/down');
    await other.publish('bytes/down', Uint8Array.of(9, 0, 128));
    expect(await page.next('message')).toEqual({ channel: 'bytes/down', body: 'bytes 9 0 128' });
    expect(await page.complaints()).toEqual([]);
  });

  test('writes integers of any size as JSON', async () => {
    await page.act('connect', { url: wsUrl });
    const raw = await RawConnection.open(new TcpTransport(), tcpUrl);
    raw.subscribe('big');
    await raw.flush();
    await page.act('publishBigint', 'big', '12345678901234567890');
    expect(await raw.frames.next()).toContain('12345678901234567890');
    raw.connection.close();
  });

  test('closes when it is told to, and the broker knows', async () => {
    await page.act('connect', { url: wsUrl });
    await page.act('provideSquare', 'square');
    expect(await node.call('square', 2)).toBe(4);
    await page.act('close');
    await expect(node.call('square', 2)).rejects.toMatchObject({ code: 'NO_PROVIDER' });
  });

  test('finds the broker of its own host when it is not told where', async () => {
    expect(await page.act('defaultUrl')).toBe('ws://127.0.0.1:7182');
  });

  test('can do everything also when it came by plain HTTP from another machine, which browsers trust less', async () => {
    const plain = await Page.open(browser, `http://${THIS_MACHINE}:${site.port}/`);
    expect(await plain.act('isSecureContext')).toBe(false);
    const url = wsUrl.replace('127.0.0.1', THIS_MACHINE);
    expect(await plain.act('connect', { url })).toBeUndefined();
    await plain.act('provideSquare', 'square');
    expect(await plain.act('call', 'square', 3)).toBe(9);
    expect(await plain.complaints()).toEqual([]);
    await plain.close();
  });

  test('can load the modules as they are, by an import map', async () => {
    const heard = new Collector<unknown>();
    await node.subscribe('from/modules', ({ body }) => heard.add(body));
    const bare = await Page.open(browser, `http://127.0.0.1:${site.port}/modules?broker=${encodeURIComponent(wsUrl)}`);
    expect(await heard.next()).toBe('as they are');
    await bare.close();
  });

  test('is turned away when it comes from another site', async () => {
    const foreign = await Page.open(browser, `http://foreign.example:${site.port}/`);
    expect(await foreign.act('connect', { url: wsUrl, reconnect: false })).toBe('CONNECT_FAILED');
    await foreign.close();
  });
});
