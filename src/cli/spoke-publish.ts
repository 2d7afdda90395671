// Publishes one message, and ends when the broker has handled it.

import type { ConnectionOptions } from './arguments.js';
import { CLIENT_REMARKS, parseBody, parseTimeout, withConnectionOptions } from './arguments.js';
import { newCommand, run } from './command.js';
import { connected } from './connected.js';
import { printJson } from './output.js';

interface Options extends ConnectionOptions {
  readonly persist?: true;
  readonly timeout?: string;
}

const command = newCommand({
  name: 'spoke-publish',
  summary: 'Publishes one message, and ends when the broker has handled it.',
  examples: [
    ['spoke-publish sensors/kitchen/temp 21.5', 'a number'],
    ['spoke-publish -p sensors/kitchen/name \'"Kitchen"\'', 'a text, kept as the last value of its channel'],
    ['spoke-publish alarms/fire', 'no body: null'],
    ['spoke-publish -t 5 robot/pose \'{"x": 1, "y": 2}\'', 'waits up to 5 seconds for a broker'],
  ],
  exitCodes: [
    ['1', 'not published: no broker, not in time, or the broker refused it'],
    ['130/143', 'ended by SIGINT or SIGTERM before that'],
  ],
  remarks: CLIENT_REMARKS,
})
  .argument('<channel>', 'where to publish')
  .argument('[body]', 'JSON (default: null)')
  .option('-p, --persist', 'keep it in the broker as the last value of the channel')
  .option('-t, --timeout <seconds>', 'try for so long (default: fail at once when there is no broker)')
  .action(async (channel: string, text: string | undefined, options: Options) => {
    const body = parseBody(text);
    const timeout = parseTimeout(options.timeout);
    const persist = options.persist === true;
    let answered = false;
    await connected(options, {
      timeout,
      late: (url) => `${url} did not confirm the message`,
      lost: 'the message may have been published',
      // It is published again then, and applied once. An event that comes late may be worse than none.
      survives: () => persist && !answered,
      async run(client, signal) {
        await client.publish(channel, body, { persist, ack: true, signal });
        answered = true;
        // A broker that does not answer has handled it when a ping comes back.
        if (!client.features.has('ack')) await client.flush({ signal });
      },
    });
    if (options.json) printJson({ channel, body, persist });
  });

void run(withConnectionOptions(command));
