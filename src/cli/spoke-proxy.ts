// Shows some channels of a broker to others until it is told to end.

import { collect, endpointOf, loginOf, requireNoSecret } from './arguments.js';
import { newCommand, run } from './command.js';
import { failureOf, Stopped, UsageError } from './failure.js';
import { printJson, printLine } from './output.js';
import { Remarks } from './remarks.js';
import type { LogLevel } from './server-log.js';
import { serverLog } from './server-log.js';
import { listenForStop, untilStopped } from './stop.js';
import { urlsFor } from './welcome.js';

interface Options {
  readonly publicHost?: string;
  readonly publicPort?: string;
  readonly publicUrl?: readonly string[];
  readonly privateHost?: string;
  readonly privatePort?: string;
  readonly privateUrl?: string;
  readonly privateTokenFile?: string;
  readonly privateUser?: string;
  readonly privatePasswordFile?: string;
  readonly codec?: string;
  readonly json?: true;
}

const LOG_LEVEL: LogLevel = 'warn';

const command = newCommand({
  name: 'spoke-proxy',
  summary: 'Shows channels of a private broker to others, who may subscribe and nothing else, until SIGINT or SIGTERM.',
  examples: [
    ["spoke-proxy --public-port 7191 'weather/**' status", 'of the broker on this machine, at port 7191'],
    ["spoke-proxy --private-host inside --public-url ws://:7182 'weather/**'", 'for browsers'],
    ["spoke-proxy --private-url unix:///run/spoke.sock --public-port 7191 '**'", 'everything'],
  ],
  exitCodes: [
    [
      '1',
      'it cannot listen there (another program has the port, or it is not allowed), or the private broker does not let it in',
    ],
  ],
  remarks: [
    'The private broker is 127.0.0.1:7181 unless it is said otherwise. While it is not there, clients are served what is kept.',
    'What public clients publish is ignored.',
  ],
})
  .argument('<channel...>', 'channels and patterns that may be seen')
  .option('--public-host <host>', 'where to listen (default: 0.0.0.0, all addresses of this machine)')
  .option('--public-port <port>', 'where to listen')
  .option(
    '--public-url <url>',
    'where to listen, by any transport, such as ws://:7182; may be given several times',
    collect,
  )
  .option('--private-host <host>', 'host of the private broker (default: 127.0.0.1)')
  .option('--private-port <port>', 'port of the private broker (default: 7181)')
  .option('--private-url <url>', 'the private broker, by any transport')
  .option('--private-token-file <file>', 'log in to the private broker with the token in this file')
  .option('--private-user <name>', 'log in to it with this name')
  .option('--private-password-file <file>', 'and with the password in this file')
  .option('--codec <name>', 'how messages are written to the private broker (default: json)')
  .action(async (channels: string[], options: Options) => {
    const listen = publicEndpoints(options);
    const url = endpointOf('private', options.privateUrl, options.privateHost, options.privatePort);
    const { privateTokenFile: tokenFile, privateUser: user, privatePasswordFile: passwordFile } = options;
    requireNoSecret(options.privateUrl, 'private');
    const auth = await loginOf({ tokenFile, user, passwordFile }, 'private');
    const stop = listenForStop({ withOutput: false });
    const { Proxy } = await import('../bridge/index.js');
    const proxy = new Proxy({
      url,
      listen,
      channels,
      logger: serverLog(LOG_LEVEL),
      ...(options.codec !== undefined && { codec: options.codec }),
      ...(auth !== undefined && { auth }),
    });
    const end = new AbortController();
    stop.addEventListener('abort', () => end.abort(stop.reason));
    const remarks = new Remarks('spoke-proxy', options.json === true);
    proxy.on('retry', (error) =>
      remarks.trouble('private', `${failureOf(error).message}; trying again until there is one`),
    );
    proxy.on('error', (error) => remarks.error(failureOf(error).message));
    proxy.on('connected', (connected, error) => {
      if (connected) remarks.well('private', 'connected to the private broker');
      else if (error !== undefined)
        remarks.trouble('private', 'the connection to the private broker was lost; connecting again');
    });
    try {
      await proxy.open();
      const { addresses } = proxy;
      if (options.json) printJson({ addresses, urls: urlsFor(addresses), channels, pid: process.pid });
      else printLine(`showing ${channels.join(' ')} on ${addresses.join(' ')}`);
      proxy.start().catch((error: unknown) => end.abort(error));
      await untilStopped(end.signal);
    } finally {
      await proxy.close();
    }
    const reason: unknown = end.signal.reason;
    if (!(reason instanceof Stopped)) throw reason;
  });

function publicEndpoints({
  publicHost,
  publicPort,
  publicUrl = [],
}: Options): (string | { host: string; port: number })[] {
  if (publicUrl.length > 0) {
    endpointOf('public', publicUrl[0], publicHost, publicPort);
    return [...publicUrl];
  }
  if (publicPort === undefined)
    throw new UsageError('where may it be seen? --public-port 7191, or --public-url ws://:7182');
  const endpoint = endpointOf('public', undefined, publicHost ?? '0.0.0.0', publicPort);
  if (typeof endpoint === 'string') return [endpoint];
  return [{ host: endpoint.host, port: endpoint.port ?? 0 }];
}

void run(command);
