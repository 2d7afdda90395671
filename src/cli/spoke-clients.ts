// Shows who is connected to a broker, and what they subscribe to and provide.

import type { PresenceEntry, PresenceNews } from '../client/index.js';
import type { FullClient } from '../node/full-client.js';
import type { ConnectionOptions } from './arguments.js';
import { CLIENT_REMARKS, parseTimeout, withConnectionOptions } from './arguments.js';
import { newCommand, run } from './command.js';
import { connected } from './connected.js';
import { Stopped } from './failure.js';
import { jsonText, printable, printLine } from './output.js';
import { untilStopped } from './stop.js';

interface Options extends ConnectionOptions {
  readonly watch?: true;
  readonly timeout?: string;
}

const command = withConnectionOptions(
  newCommand({
    name: 'spoke-clients',
    summary: 'Shows who is connected to a broker, and what they subscribe to and provide.',
    examples: [
      ['spoke-clients', 'a table: who, since when, subscribes to, provides'],
      ['spoke-clients --watch', 'all there are, and then whoever comes, changes and leaves'],
      ["spoke-clients --json | jq -r '.provides[]'", 'the procedures that there are'],
    ],
    exitCodes: [
      ['1', 'no broker, not in time, refused; the broker does not tell (UNSUPPORTED)'],
      ['130/143', 'ended by SIGINT or SIGTERM before it was done; --watch ends with 0'],
    ],
    remarks: [
      ...CLIENT_REMARKS,
      'This command itself is not shown. Connections to other brokers beyond bridges are not either.',
    ],
  }),
)
  .option('-w, --watch', 'go on, and print whoever comes (+), changes (*) and leaves (-)')
  .option('-t, --timeout <seconds>', 'try for so long (default: fail at once when there is no broker)')
  .action(async (options: Options) => {
    try {
      await work(options, options.watch ? watch : list);
    } catch (error) {
      // A person ends it so. The exit code of a signal is for work that was not done.
      if (!(options.watch && error instanceof Stopped)) throw error;
      process.exitCode = 0;
    }
  });

/** How this command tells itself from others. */
const SELF = `spoke-clients ${crypto.randomUUID()}`;

async function list(client: FullClient, { json }: Options, signal: AbortSignal): Promise<void> {
  const entries = (await client.presence.list({ signal })).filter(isOther);
  if (json) for (const entry of entries) printLine(jsonText(entry));
  else for (const line of tableOf(entries)) printLine(line);
}

async function watch(client: FullClient, { json }: Options, signal: AbortSignal): Promise<void> {
  const known = new Map<string, PresenceEntry>();
  const tell = (event: 'joined' | 'changed' | 'left', entry: PresenceEntry) => {
    if (json) printLine(jsonText({ event, ...entry }));
    else printLine(`${SIGNS[event]} ${rowOf(entry).join('  ')}`);
  };
  const news = ({ joined, changed, left }: PresenceNews) => {
    for (const [event, entries] of [
      ['joined', joined],
      ['changed', changed],
    ] as const) {
      for (const entry of entries.filter(isOther)) {
        known.set(entry.id, entry);
        tell(event, entry);
      }
    }
    for (const id of left) {
      const entry = known.get(id);
      if (known.delete(id) && entry !== undefined) tell('left', entry);
    }
  };
  await client.presence.watch(news, { signal });
  await untilStopped(signal);
}

const SIGNS = { joined: '+', changed: '*', left: '-' } as const;
const HEADER = ['WHO', 'SINCE', 'SUBSCRIBES TO', 'PROVIDES'];

function isOther({ name }: PresenceEntry): boolean {
  return name !== SELF;
}

function tableOf(entries: readonly PresenceEntry[]): string[] {
  const rows = [HEADER, ...entries.map(rowOf)];
  const widths = HEADER.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function rowOf({ name, identity, address, since, patterns, groups, provides, subscriptions }: PresenceEntry): string[] {
  const who = [name, identity === undefined ? undefined : `(${identity})`, address].filter((one) => one !== undefined);
  // What a provider subscribes to for its calls is in the next column.
  const plain = patterns.filter((pattern) => !pattern.includes('/-rpc/'));
  const shared = groups.filter(({ pattern }) => !pattern.includes('/-rpc/'));
  const told = [...plain, ...shared.map(({ pattern, group }) => `${pattern} [${group}]`)];
  const more = subscriptions - patterns.length - groups.length;
  if (more > 0) told.push(`and ${more} more`);
  return [who.join(' '), new Date(since * 1000).toISOString(), told.join(', ') || '-', provides.join(', ') || '-'].map(
    printable,
  );
}

async function work(
  options: Options,
  act: (client: FullClient, options: Options, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  return connected(options, {
    timeout: options.watch ? undefined : parseTimeout(options.timeout),
    late: (url) => `no answer from ${url}`,
    lost: 'start it again to see who is there',
    about: { name: SELF },
    run: async (client, signal) => {
      // The broker has heard who this is before it is asked.
      await client.flush({ signal });
      await act(client, options, signal);
    },
  });
}

void run(command);
