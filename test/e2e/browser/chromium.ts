// A Chromium, a server for its page, and what happens in the page.

import { existsSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';
import type { Browser, Page as Tab } from 'playwright-core';
import { chromium } from 'playwright-core';

import { Collector } from '../../support/collector.js';
import type { PageEvent, Scene } from './page.js';

/** Debian's, as `.ci/run` installs it. */
const EXECUTABLE = '/usr/bin/chromium';

export const hasChromium = existsSync(EXECUTABLE);

/** Nothing but its own scripts, and connections: no `unsafe-eval`, no inline scripts. */
const POLICY = "default-src 'none'; script-src 'self'; connect-src ws: http:";

const NONCE = 'once';
const POLICY_OF_MODULES = POLICY.replace("'self'", `'self' 'nonce-${NONCE}'`);

const HTML = '<!doctype html><meta charset="utf-8"><title>spoke</title><script type="module" src="/page.js"></script>';

/** The library as it is, module by module, found by an import map. */
const MODULES: Readonly<Record<string, string>> = {
  '/spoke/': '../../../dist/',
  '/nanoevents/': '../../../node_modules/nanoevents/',
};
const IMPORT_MAP = { imports: { 'spoke/browser': '/spoke/browser.js', nanoevents: '/nanoevents/index.js' } };
const MODULES_HTML = `<!doctype html><title>spoke</title>
<script type="importmap" nonce="${NONCE}">${JSON.stringify(IMPORT_MAP)}</script>
<script type="module" nonce="${NONCE}">
  import { Client } from 'spoke/browser';
  const client = await Client.connect(new URLSearchParams(location.search).get('broker'));
  await client.publish('from/modules', 'as they are');
  tell({ what: 'ready' });
</script>`;

/** The name of this machine, which for a browser is no secure context, unlike localhost. */
export const THIS_MACHINE = hostname().toLowerCase();

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** Serves the page, with the built library bundled in as a user would. */
export async function servePage(): Promise<{ server: Server; port: number }> {
  const { outputFiles } = await build({
    entryPoints: [path('page.ts')],
    alias: { 'spoke/browser': path('../../../dist/browser.js') },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    write: false,
  });
  const script = outputFiles[0]!.contents;
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://page');
    response.setHeader('content-security-policy', pathname === '/modules' ? POLICY_OF_MODULES : POLICY);
    if (pathname === '/') response.setHeader('content-type', 'text/html').end(HTML);
    else if (pathname === '/modules') response.setHeader('content-type', 'text/html').end(MODULES_HTML);
    else if (pathname === '/page.js') response.setHeader('content-type', 'text/javascript').end(script);
    else {
      const file = moduleAt(pathname);
      if (file === undefined) response.writeHead(404).end();
      else response.setHeader('content-type', 'text/javascript').end(readFileSync(file));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

function moduleAt(pathname: string): string | undefined {
  const start = Object.keys(MODULES).find((prefix) => pathname.startsWith(prefix));
  const file = start && path(`${MODULES[start]}${pathname.slice(start.length)}`);
  return file && existsSync(file) ? file : undefined;
}

export async function startChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: EXECUTABLE,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-proxy-server',
      // Every host of the tests is this machine.
      `--host-resolver-rules=MAP ${THIS_MACHINE} 127.0.0.1, MAP *.example 127.0.0.1`,
    ],
  });
}

const EVALUATED = 'script-src: eval';

/** A page that has loaded its script. */
export class Page {
  readonly events = new Collector<PageEvent>('events of the page');
  readonly #complaints = new Collector<string>('complaints of the page');
  readonly #tab: Tab;

  private constructor(tab: Tab) {
    this.#tab = tab;
  }

  static async open(browser: Browser, url: string): Promise<Page> {
    const tab = await browser.newPage();
    const page = new Page(tab);
    tab.on('pageerror', (error) => page.#complaints.add(String(error)));
    await tab.exposeFunction('tell', page.events.add);
    await tab.exposeFunction('complain', page.#complaints.add);
    await tab.addInitScript(() => {
      const host = globalThis as unknown as {
        addEventListener(type: string, listener: (event: Readonly<Record<string, unknown>>) => void): void;
        complain(text: string): void;
      };
      host.addEventListener('securitypolicyviolation', (event) => {
        host.complain(`${String(event['effectiveDirective'])}: ${String(event['blockedURI'])}`);
      });
    });
    await tab.goto(url);
    await page.events.takeUntil(({ what }) => what === 'ready');
    return page;
  }

  async close(): Promise<void> {
    await this.#tab.close();
  }

  /** Has the page do something. */
  async act<K extends keyof Scene>(name: K, ...args: Parameters<Scene[K]>): Promise<Awaited<ReturnType<Scene[K]>>> {
    return (await this.#tab.evaluate(actInPage, [name, args] as const)) as Awaited<ReturnType<Scene[K]>>;
  }

  /**
   * Breaches of the page's security policy so far, and errors that nobody caught. Ends with a breach of its own, to know that
   * none is on its way, and that they are told.
   */
  async complaints(): Promise<string[]> {
    const result = await this.act('evaluate');
    return [
      ...(await this.#complaints.takeUntil((text) => text === EVALUATED)).slice(0, -1),
      ...(result === 'EvalError' ? [] : [`evaluated: ${result}`]),
    ];
  }

  /** The value of the next such event. */
  async next(wanted: string): Promise<unknown> {
    return (await this.events.takeUntil(({ what }) => what === wanted)).at(-1)?.value;
  }
}

/** By a task of the page's own: what the debugger evaluates is not held to the page's policy. */
function actInPage([name, args]: readonly [string, readonly unknown[]]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const act = async (): Promise<unknown> => Reflect.get(Reflect.get(globalThis, 'scene'), name)(...args);
    setTimeout(() => void act().then(resolve, reject));
  });
}
