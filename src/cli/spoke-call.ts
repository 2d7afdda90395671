// Calls a remote procedure and prints its result.

import { canonical, isPattern } from '../channels/index.js';
import { SpokeError } from '../contracts/index.js';
import { RpcError } from '../rpc/rpc-error.js';
import type { ConnectionOptions } from './arguments.js';
import { CLIENT_REMARKS, parseBody, parseTimeout, withConnectionOptions } from './arguments.js';
import { newCommand, run } from './command.js';
import { connected } from './connected.js';
import { EXIT, failureOf, UsageError } from './failure.js';
import { jsonText, note, printable, printJson, printLine } from './output.js';

interface Options extends ConnectionOptions {
  readonly timeout?: string;
  readonly stream?: boolean;
}

const OUTCOMES: ReadonlySet<string> = new Set(['TIMEOUT', 'REPLY_MALFORMED', 'NO_PROVIDER', 'PROVIDER_LOST']);

const command = newCommand({
  name: 'spoke-call',
  summary: 'Calls a remote procedure and prints its result as JSON.',
  examples: [
    ['spoke-call math/square 7', 'waits until its provider answers'],
    ['spoke-call -t 1 math/square 7', 'for one second at most'],
    ['spoke-call robot/status | jq .battery', 'no argument: null'],
    ['spoke-call --stream robot/log | head -5', 'the items of a stream, as they come'],
  ],
  exitCodes: [
    [
      '1',
      'no result: prints Timeout, or Error: TEXT as the provider gave it, or that nobody provides it; or no broker',
    ],
    ['130/143', 'ended by SIGINT or SIGTERM before that'],
  ],
  remarks: CLIENT_REMARKS,
})
  .argument('<channel>', 'the procedure')
  .argument('[body]', 'its argument, JSON (default: null)')
  .option(
    '-t, --timeout <seconds>',
    'wait for so long, for the broker as well (default: no limit, broker must be there)',
  )
  .option('-s, --stream', 'print the items of a stream as they come, one a line')
  .action(async (channel: string, text: string | undefined, options: Options) => {
    const name = canonical(channel);
    if (name === '' || isPattern(name)) {
      throw new UsageError(
        `${channel === '' ? 'an empty text' : channel} is no procedure; name one, without wildcards`,
      );
    }
    const body = parseBody(text);
    const timeout = parseTimeout(options.timeout);
    try {
      const result = await connected(options, {
        timeout,
        late: (url) => `no answer from ${name} at ${url}; is a provider connected?`,
        lost: `${name} may have run`,
        run: async (client, signal) => {
          if (options.stream !== true) return client.call(name, body, { signal });
          for await (const item of client.stream(name, body, { signal })) {
            if (options.json) printJson({ item });
            else printLine(jsonText(item));
          }
          return undefined;
        },
      });
      if (options.stream) return;
      if (options.json) printJson({ result });
      else printLine(jsonText(result));
    } catch (error) {
      if (!(error instanceof SpokeError) || !isOutcome(error)) throw error;
      printOutcome(error, options.json === true);
    }
  });

/** Whether it is an answer of a kind, which goes where results go. */
function isOutcome(error: SpokeError): boolean {
  return error instanceof RpcError || OUTCOMES.has(error.code);
}

function printOutcome(error: SpokeError, json: boolean): void {
  process.exitCode = EXIT.FAILED;
  const failure = failureOf(error);
  if (json) {
    const { code, message } = failure;
    const { data } = error instanceof RpcError ? error : { data: undefined };
    printJson({ error: { code, message, ...(data !== undefined && { data }) } });
  } else if (error.code === 'TIMEOUT') {
    printLine('Timeout');
    note(`${command.name()}: ${failure.message}`);
  } else {
    // A provider's text may have several lines.
    printLine(`Error: ${error.message.split('\n').map(printable).join('\n')}`);
  }
}

void run(withConnectionOptions(command));
