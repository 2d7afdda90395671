// Joins two brokers until it is told to end.

import { isPattern } from '../channels/index.js';
import type { BridgeFilter, BridgeStatus, PrefixPair, SideStatus } from '../bridge/index.js';
import { collect, endpointOf, loginOf, parseTimeout, requireNoSecret } from './arguments.js';
import { newCommand, run } from './command.js';
import { failureOf, Stopped, UsageError } from './failure.js';
import { printJson, printLine } from './output.js';
import { Remarks } from './remarks.js';
import { listenForStop, untilStopped } from './stop.js';

interface Options {
  readonly host1?: string;
  readonly port1?: string;
  readonly host2?: string;
  readonly port2?: string;
  readonly url1?: string;
  readonly url2?: string;
  readonly codec1?: string;
  readonly codec2?: string;
  readonly tokenFile1?: string;
  readonly user1?: string;
  readonly passwordFile1?: string;
  readonly tokenFile2?: string;
  readonly user2?: string;
  readonly passwordFile2?: string;
  readonly include?: readonly string[];
  readonly include1?: readonly string[];
  readonly include2?: readonly string[];
  readonly exclude?: readonly string[];
  readonly exclude1?: readonly string[];
  readonly exclude2?: readonly string[];
  readonly map?: readonly string[];
  readonly status?: string;
  readonly json?: true;
}

const command = newCommand({
  name: 'spoke-bridge',
  summary: 'Joins two brokers, so that they and their clients are one network, until SIGINT or SIGTERM.',
  examples: [
    ['spoke-bridge --port2 7191', 'two brokers on this machine'],
    ['spoke-bridge --url1 tcp://a:7181 --url2 wss://b.example', 'any two transports'],
    ["spoke-bridge --host2 b --include 'sensors/**' --include 'alarms/**'", 'some channels, both ways'],
    ["spoke-bridge --host2 b --include1 'sensors/**'", 'from broker 1 to broker 2 only'],
    ['spoke-bridge --host2 robot7 --map robots/7=', 'all of broker 2 is below robots/7 on broker 1'],
    ['spoke-bridge --url1 tls://a:7183 --token-file1 a.token --host2 b', 'with a login on broker 1'],
    ['spoke-bridge --port2 7191 --status 10 --json', 'what it does, as JSON, every 10 seconds'],
  ],
  exitCodes: [['1', 'both are the same broker, or one of them does not let it in']],
  remarks: [
    'Each broker is 127.0.0.1:7181 unless it is said otherwise. A broker that is not there is waited for.',
    'A filter says the names of the side that messages come from; calls need both directions.',
  ],
})
  .option('--host1 <host>', 'host of broker 1 (default: 127.0.0.1)')
  .option('--port1 <port>', 'port of broker 1 (default: 7181)')
  .option('--host2 <host>', 'host of broker 2')
  .option('--port2 <port>', 'port of broker 2')
  .option('--url1 <url>', 'broker 1 by any transport, such as ws://a:7182')
  .option('--url2 <url>', 'broker 2 by any transport')
  .option('--codec1 <name>', 'how messages are written to broker 1 (default: json)')
  .option('--codec2 <name>', 'how messages are written to broker 2 (default: json)')
  .option('--token-file1 <file>', 'log in to broker 1 with the token in this file')
  .option('--token-file2 <file>', 'log in to broker 2 with the token in this file')
  .option('--user1 <name>', 'log in to broker 1 with this name')
  .option('--user2 <name>', 'log in to broker 2 with this name')
  .option('--password-file1 <file>', 'and with the password in this file')
  .option('--password-file2 <file>', 'and with the password in this file')
  .option('--include <pattern>', 'what crosses (default: everything); may be given several times', collect)
  .option('--include1 <pattern>', 'what crosses from broker 1', collect)
  .option('--include2 <pattern>', 'what crosses from broker 2', collect)
  .option('--exclude <pattern>', 'what does not cross; may be given several times', collect)
  .option('--exclude1 <pattern>', 'what does not cross from broker 1', collect)
  .option('--exclude2 <pattern>', 'what does not cross from broker 2', collect)
  .option('--map <prefix1=prefix2>', 'channels below prefix1 on broker 1 are those below prefix2 on broker 2', collect)
  .option('--status <seconds>', 'print what it did so far, again and again')
  .action(async (options: Options) => {
    const bridged = await bridgeOptions(options);
    const every = parseTimeout(options.status, '--status');
    // Nobody reads its lines any more: that is no reason to part the brokers.
    const stop = listenForStop({ withOutput: false });
    const { Bridge } = await import('../bridge/index.js');
    const bridge = new Bridge(bridged);
    const remarks = new Remarks('spoke-bridge', options.json === true);
    bridge.on('retry', (side, error) =>
      remarks.trouble(side, `${failureOf(error).message}; trying again until there is one`),
    );
    bridge.on('error', (error) => remarks.error(failureOf(error).message));
    bridge.on('side', (side, connected, error) => {
      const { url } = bridge.status[`side${side}`];
      if (connected) remarks.well(side, `connected to ${url}`);
      else if (error !== undefined) remarks.trouble(side, `the connection to ${url} was lost; connecting again`);
    });
    const end = new AbortController();
    stop.addEventListener('abort', () => end.abort(stop.reason));
    bridge.on('state', (state, error) => {
      if (options.json) printJson(bridge.status);
      else if (state === 'connected') printLine(`bridging ${bridge.status.side1.url} and ${bridge.status.side2.url}`);
      if (state === 'closed') end.abort(error);
    });
    const timer = every === undefined ? undefined : setInterval(() => report(bridge.status, options), every);
    bridge.start().catch((error: unknown) => end.abort(error));
    await untilStopped(end.signal);
    clearInterval(timer);
    await bridge.close();
    const reason: unknown = end.signal.reason;
    if (!(reason instanceof Stopped)) throw reason;
  });

async function bridgeOptions(options: Options) {
  const { tokenFile1, user1, passwordFile1, tokenFile2, user2, passwordFile2 } = options;
  requireNoSecret(options.url1, '1');
  requireNoSecret(options.url2, '2');
  const auth1 = await loginOf({ tokenFile: tokenFile1, user: user1, passwordFile: passwordFile1 }, '1');
  const auth2 = await loginOf({ tokenFile: tokenFile2, user: user2, passwordFile: passwordFile2 }, '2');
  const both = (all: readonly string[] = []): BridgeFilter[] => [...all];
  const from = (side: 1 | 2, all: readonly string[] = []): BridgeFilter[] =>
    all.map((pattern) => ({ pattern, from: side }));
  const include = [...both(options.include), ...from(1, options.include1), ...from(2, options.include2)];
  const exclude = [...both(options.exclude), ...from(1, options.exclude1), ...from(2, options.exclude2)];
  return {
    url1: endpointOf('1', options.url1, options.host1, options.port1),
    url2: endpointOf('2', options.url2, options.host2, options.port2),
    ...(options.codec1 !== undefined && { codec1: options.codec1 }),
    ...(options.codec2 !== undefined && { codec2: options.codec2 }),
    ...(auth1 !== undefined && { auth1 }),
    ...(auth2 !== undefined && { auth2 }),
    ...(include.length > 0 && { include }),
    exclude,
    map: (options.map ?? []).map(parsePair),
  };
}

function parsePair(text: string): PrefixPair {
  const [prefix1, prefix2, ...others] = text.split('=');
  if (prefix1 === undefined || prefix2 === undefined || others.length > 0 || isPattern(text.replace('=', '/'))) {
    throw new UsageError(
      `--map takes two prefixes, such as robots/7=local, or one, such as robots/7=, and no wildcards, not ${text}`,
    );
  }
  return { prefix1, prefix2 };
}

function report(status: BridgeStatus, { json }: Options): void {
  if (json) printJson(status);
  else printLine([`1: ${sideText(status.side1)}`, `2: ${sideText(status.side2)}`].join('; '));
}

function sideText({ connected, forwarded, dropped, refused, lag }: SideStatus): string {
  const counts = [
    `${forwarded} forwarded to it`,
    `${dropped} dropped`,
    `${refused} refused`,
    `lag ${Math.round(lag)} ms`,
  ];
  return `${connected ? 'connected' : 'away'}, ${counts.join(', ')}`;
}

void run(command);
