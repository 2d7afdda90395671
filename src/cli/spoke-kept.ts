// Lists, reads, removes and sets the messages that a broker keeps.

import type { Command } from 'commander';

import { canonical, isPattern } from '../channels/index.js';
import type { Message } from '../client/index.js';
import { SpokeError } from '../contracts/index.js';
import type { FullClient } from '../node/full-client.js';
import type { ConnectionOptions } from './arguments.js';
import { CLIENT_REMARKS, parseBody, parseTimeout, withConnectionOptions } from './arguments.js';
import { newCommand, run } from './command.js';
import { connected } from './connected.js';
import { NothingFound, UsageError } from './failure.js';
import { jsonText, printable, printJson, printLine } from './output.js';

interface Options extends ConnectionOptions {
  readonly timeout?: string;
  readonly dryRun?: true;
  readonly ttl?: string;
}

const command = withConnectionOptions(
  newCommand({
    name: 'spoke-kept',
    summary: 'Lists, reads, removes and sets the persistent messages that a broker keeps.',
    examples: [
      ['spoke-kept ls', 'all of them: channel, time, bytes, when it expires'],
      ["spoke-kept get 'sensors/**'", 'with their bodies: CHANNEL: BODY'],
      ["spoke-kept rm --dry-run 'sensors/old/**'", 'what would be removed'],
      ["spoke-kept rm 'sensors/old/**'", 'removes it, and says how many there were'],
      ['spoke-kept set --ttl 3600 notice \'"Back at 5"\'', 'kept for an hour'],
    ],
    exitCodes: [
      ['1', 'no broker, not in time, refused; nothing is kept there (get); the broker cannot remove (rm)'],
      ['130/143', 'ended by SIGINT or SIGTERM before it was done'],
    ],
    remarks: [...CLIENT_REMARKS, 'A pattern has * for one token and ** for any number; quote it.'],
  }),
)
  .option('-t, --timeout <seconds>', 'try for so long (default: fail at once when there is no broker)')
  .configureHelp({ showGlobalOptions: true })
  .argument('[what...]')
  .usage('[options] ls|get|rm|set ...')
  .action(([what]: readonly string[]) => {
    throw new UsageError(`${what === undefined ? 'say what to do' : `there is no ${what}`}: ls, get, rm or set`);
  });

subcommand('ls [pattern]', 'lists what is kept (default pattern: **)', async (pattern = '**', _body, options) => {
  await work(options, async (client, signal) => {
    for await (const entry of entries(client, pattern, signal)) printEntry(entry, options);
  });
});

subcommand('get <pattern>', 'prints what is kept, with the bodies', async (pattern = '', _body, options) => {
  const messages = await work(options, async (client, signal) => snapshot(client, pattern, signal));
  for (const { channel, body, time } of messages) {
    if (options.json) printLine(jsonText({ channel, body, time }));
    else printLine(`${printable(channel)}: ${jsonText(body)}`);
  }
  if (messages.length === 0) throw new NothingFound(`nothing is kept on ${pattern}`);
});

subcommand('rm <pattern>', 'removes what is kept', async (pattern = '', _body, options) => {
  await work(options, async (client, signal) => {
    if (options.dryRun) {
      for await (const entry of entries(client, pattern, signal)) printEntry(entry, options);
      return;
    }
    const cleared = await client.kept.clear(pattern, { signal });
    if (options.json) printJson({ cleared });
    else printLine(`${cleared} removed`);
  });
}).option('--dry-run', 'print what would be removed, as ls does, and remove nothing');

subcommand(
  'set <channel> [body]',
  'keeps a message; the body is JSON (default: null)',
  async (channel = '', text, options) => {
    const name = canonical(channel);
    if (isPattern(name)) throw new UsageError(`${channel} is a pattern; name one channel`);
    const body = parseBody(text);
    const ttl = parseTimeToLive(options.ttl);
    if (!options.dryRun) {
      await work(options, async (client, signal) => {
        await client.kept.set(name, body, { signal, ...(ttl !== undefined && { ttl }) });
        if (!client.features.has('ack')) await client.flush({ signal });
      });
    }
    if (options.json) printJson({ channel: name, body, ...(ttl !== undefined && { ttl: ttl / 1000 }) });
    else if (options.dryRun) printLine(`${printable(name)}: ${jsonText(body)}`);
  },
)
  .option('--ttl <seconds>', 'have it removed after so long')
  .option('--dry-run', 'check the arguments and print what would be kept, without a broker');

function subcommand(
  usage: string,
  summary: string,
  action: (first: string | undefined, second: string | undefined, options: Options) => Promise<void>,
): Command {
  const one = command.command(usage).description(summary);
  return one.action(async (...given: unknown[]) => {
    const [first, second] = given.slice(0, one.registeredArguments.length);
    const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
    await action(text(first), text(second), one.optsWithGlobals());
  });
}

interface Entry {
  readonly channel: string;
  readonly time: number | undefined;
  readonly bytes?: number;
  readonly expires?: number;
}

/** What is kept. A broker that cannot list is asked for all of it. */
async function* entries(client: FullClient, pattern: string, signal: AbortSignal): AsyncGenerator<Entry> {
  try {
    yield* client.kept.list(pattern, { signal });
  } catch (error) {
    if (!(error instanceof SpokeError && error.code === 'UNSUPPORTED')) throw error;
    for (const { channel, time } of await snapshot(client, pattern, signal)) yield { channel, time };
  }
}

/** What a newcomer is sent. */
async function snapshot(client: FullClient, pattern: string, signal: AbortSignal): Promise<Message[]> {
  const messages: Message[] = [];
  const keep = (message: Message) => {
    if (message.kept ?? message.persist) messages.push(message);
  };
  const subscription = await client.subscribe(pattern, keep, { bounce: false, signal });
  await subscription.unsubscribe();
  return messages;
}

function printEntry(entry: Entry, { json }: Options): void {
  if (json) {
    printLine(jsonText(entry));
    return;
  }
  const { channel, time, bytes, expires } = entry;
  const parts = [
    printable(channel),
    time === undefined ? '-' : dateText(time),
    bytes === undefined ? '-' : `${bytes} bytes`,
    ...(expires === undefined ? [] : [`expires ${dateText(expires)}`]),
  ];
  printLine(parts.join('  '));
}

function dateText(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString();
}

function parseTimeToLive(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = text.trim() === '' ? NaN : Number(text);
  if (!(seconds > 0 && seconds < Infinity)) {
    throw new UsageError(`--ttl takes a number of seconds above 0, such as 60, not ${text}`);
  }
  return seconds * 1000;
}

async function work<T>(options: Options, act: (client: FullClient, signal: AbortSignal) => Promise<T>): Promise<T> {
  return connected(options, {
    timeout: parseTimeout(options.timeout),
    late: (url) => `no answer from ${url}`,
    lost: 'what was asked may have been done',
    run: act,
  });
}

void run(command);
