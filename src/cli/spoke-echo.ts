// Prints the messages of channels, for as long as it is let.

import { canonical } from '../channels/index.js';
import type { BaseClient, Message, SubscribeOptions } from '../client/index.js';
import type { ConnectionOptions } from './arguments.js';
import { CLIENT_REMARKS, withConnectionOptions } from './arguments.js';
import { newCommand, run } from './command.js';
import { failureOf, Stopped, UsageError } from './failure.js';
import { fromOf } from './history.js';
import { jsonText, note, printable, printLine } from './output.js';
import { OutputFile } from './output-file.js';
import { listenForStop, untilStopped } from './stop.js';

interface Options extends ConnectionOptions {
  readonly outputPath?: string;
  readonly first?: true;
  readonly label?: string;
  readonly verbose?: true;
  readonly group?: string;
  readonly durable?: string;
  readonly from?: string;
}

const command = newCommand({
  name: 'spoke-echo',
  summary: 'Prints the messages of channels, a line each: CHANNEL: BODY.',
  examples: [
    ['spoke-echo', 'everything, subscriptions of others included'],
    ["spoke-echo 'sensors/*/temp' 'alarms/**'", '* is one token, ** any number; quote them'],
    ["spoke-echo -g workers 'jobs/*'", 'what other members of the group do not get'],
    ["spoke-echo --from 1h 'sensors/**'", 'what was published in the last hour, where it is kept, and what comes'],
    ["spoke-echo --durable night 'jobs/*'", 'goes on where the one before of this name stopped'],
    ['spoke-echo -f sensors/kitchen/temp', 'the next message, or the kept one, and ends'],
    ["spoke-echo 'sensors/**' --json | jq .body", 'bodies alone'],
    ["spoke-echo -l night -o night.log 'robot/**'", 'with a label, and into a file as well'],
  ],
  exitCodes: [['1', 'the output file cannot be written, or the broker refused the subscription']],
  remarks: [...CLIENT_REMARKS, 'SIGINT and SIGTERM end it with exit code 0.'],
})
  .argument('[channel...]', 'channels or patterns (default: **)')
  .option('-o, --output-path <file>', 'write the lines to this file as well; what it held is lost')
  .option('-f, --first', 'end after one message')
  .option('-l, --label <text>', 'begin every line with [text]')
  .option('-g, --group <name>', 'as a member of this group: each message goes to one member')
  .option('--from <place>', 'history from there on: start, a sequence, a date, or how long ago (1h)')
  .option('--durable <name>', 'go on where this name stopped; a line that was printed is done')
  .option('-v, --verbose', 'print head and body as JSON')
  .action(async (channels: string[], options: Options) => {
    // Before signals are caught: opening a named pipe may wait for its reader, and Ctrl-C must end that.
    const file = options.outputPath === undefined ? undefined : new OutputFile(options.outputPath);
    await echo(channels.length === 0 ? ['**'] : channels, options, file);
    file?.close();
  });

const FIRST_PRINTED = Symbol('the first message was printed');

async function echo(channels: readonly string[], options: Options, file: OutputFile | undefined): Promise<void> {
  const how = howOf(channels, options);
  const stop = listenForStop();
  const end = new AbortController();
  const fail = (reason: unknown) => end.abort(reason);
  stop.addEventListener('abort', () => fail(stop.reason));

  const { makeClient } = await import('./client.js');
  const client = await makeClient(options);
  remarkOnConnection(client, options);
  client.on('error', (error) => {
    if (end.signal.aborted) return;
    if (error.details['channel'] === '-control/subscribe') fail(error);
    else remark(options, failureOf(error).message);
  });

  let printed: Message | undefined;
  const print = (message: Message) => {
    // A message comes once for each pattern that it matches.
    if (message === printed) return;
    // Not printed, so not done.
    if (end.signal.aborted) throw new Stopped('OUTPUT');
    printed = message;
    try {
      const line = lineOf(message, options);
      printLine(line);
      file?.line(line);
    } catch (error) {
      fail(error);
    }
    if (options.first) fail(FIRST_PRINTED);
  };
  for (const pattern of new Set(channels.map(canonical))) {
    client.subscribe(pattern, print, how).catch(fail);
  }
  client.connect().catch(fail);
  await untilStopped(end.signal);
  await client.close();
  const reason: unknown = end.signal.reason;
  if (reason !== FIRST_PRINTED && !(reason instanceof Stopped)) throw reason;
}

function howOf(channels: readonly string[], { group, durable, from }: Options): SubscribeOptions {
  if (group !== undefined && (durable ?? from) !== undefined) {
    throw new UsageError(
      '--group does not go with --durable and --from; several with one --durable share the messages',
    );
  }
  if ((durable ?? from) !== undefined && channels.length !== 1) {
    throw new UsageError('--durable and --from take one channel or pattern');
  }
  return {
    bounce: false,
    ...(group !== undefined && { group }),
    ...(durable !== undefined && { durable }),
    ...(from !== undefined && { from: fromOf(from, Date.now()) }),
  };
}

function lineOf(message: Message, { json, label, verbose }: Options): string {
  const { channel, body, time, head } = message;
  if (json) return jsonText({ ...(label !== undefined && { label }), channel, body, time, head });
  const text = verbose ? jsonText({ head, body }) : `${printable(channel)}: ${jsonText(body)}`;
  return label === undefined ? text : `[${label}] ${text}`;
}

function remarkOnConnection(client: BaseClient, options: Options): void {
  let trouble = false;
  client.on('retry', (error) => {
    if (!trouble) remark(options, `${failureOf(error).message}; trying again until there is one`);
    trouble = true;
  });
  client.on('state', (state, error) => {
    if (state === 'connected' && trouble) remark(options, `connected to ${client.url}`);
    if (state === 'reconnecting' && error !== undefined) {
      remark(options, `the connection to ${client.url} was lost; connecting again, messages meanwhile are missed`);
    }
    trouble = state === 'reconnecting' || (trouble && state !== 'connected');
  });
}

/** For the person who watches; not among the messages. */
function remark({ json }: Options, text: string): void {
  note(json ? JSON.stringify({ remark: text }) : `spoke-echo: ${text}`);
}

void run(withConnectionOptions(command));
