// Runs a broker until it is told to end.

import { Option } from 'commander';

import type { Limits } from '../contracts/index.js';
import { withDefaults } from '../contracts/index.js';
import { collect } from './arguments.js';
import type { BackplaneArguments } from './backplane.js';
import { backplaneOf } from './backplane.js';
import { newCommand, run } from './command.js';
import { UsageError } from './failure.js';
import { collectLimit, limitLines } from './limits.js';
import { warnOfFewFiles } from './open-files.js';
import { printJson, printLine } from './output.js';
import type { LogLevel } from './server-log.js';
import { LOG_LEVELS, logConsole, serverLog } from './server-log.js';
import { listenForStop, untilStopped } from './stop.js';
import { inheritedEndpoints, ServiceNotifier } from './systemd.js';
import { VERSION } from '../version.js';
import { firstSteps, urlsFor } from './welcome.js';

interface Options extends BackplaneArguments {
  readonly listen?: readonly string[];
  readonly store?: string;
  readonly limit?: Partial<Limits>;
  readonly limits?: true;
  readonly logLevel: LogLevel;
  readonly json?: true;
}

const command = newCommand({
  name: 'spoke-server',
  summary: 'Runs a broker, until SIGINT or SIGTERM.',
  examples: [
    ['spoke-server', 'on port 7181 of all addresses of this machine'],
    ['spoke-server --listen tcp://127.0.0.1:7181', 'for this machine only'],
    ["spoke-server --listen tcp://:7181 --listen 'tcp://[::1]:7181'", 'on two endpoints'],
    ['spoke-server --store ./data', 'persistent messages last, also through a power cut'],
    ['spoke-server --limit connections=500 --limit messageBytes=1MiB', 'let no more in, and nothing larger'],
    ['spoke-server --backplane nats://a:4222,nats://b:4222', 'one network with all brokers on these NATS servers'],
    ['SPOKEPORT=9000 spoke-server', 'on another port'],
    ['spoke-server --listen tcp://127.0.0.1:0 --json', 'on a free port, printed as JSON'],
  ],
  exitCodes: [
    [
      '1',
      'it cannot listen there (another program has the port, or it is not allowed), the store cannot be opened, or the backplane ' +
        'cannot be reached, does not let it in, or is of a version that cannot do what is needed',
    ],
  ],
  remarks: [
    'Without --listen it is the sockets that systemd opened for it, else tcp://0.0.0.0:SPOKEPORT (environment), else ' +
      'tcp://0.0.0.0:7181.',
    'SIGTERM and SIGINT end it when its clients have what is theirs, within a second; a second signal ends it at once.',
  ],
})
  .option('--listen <url>', 'where to listen; may be given several times', collect)
  .option('--store <folder>', 'keep persistent messages in this folder (default: in memory only)')
  .option('--limit <name=value>', 'set a limit; may be given several times', collectLimit)
  .option('--limits', 'print the limits as they would hold, and exit')
  .option('--backplane <urls>', 'join other brokers by these NATS servers; may be given several times', collect)
  .option('--backplane-credentials <file>', 'NATS credentials (.creds)')
  .option('--backplane-ca <file>', 'whom to trust as a NATS server, in PEM')
  .option('--backplane-cert <file>', 'certificate to show to the NATS server, in PEM')
  .option('--backplane-key <file>', 'its key')
  .option('--backplane-prefix <name>', 'several clusters on the same servers have different ones (default: spoke)')
  .option('--backplane-replicas <n>', 'NATS servers that keep each persistent message')
  .option(
    '-r, --reuse',
    'accepted for scripts of other brokers; always on: it can be started again on its port at once',
  )
  .addOption(
    new Option('--log-level <level>', 'what to log on standard error').choices(LOG_LEVELS).default('warn' as const),
  )
  .action(async (options: Options) => {
    if (options.limits) {
      if (options.json) printJson(withDefaults(options.limit));
      else printLine(limitLines(options.limit));
      return;
    }
    // Nobody reads its first lines any more: that is no reason to leave everyone without a broker.
    const stop = listenForStop({ withOutput: false });
    const { container, broker, log } = await compose(options, inheritedEndpoints(process.env, process.pid));
    using service = new ServiceNotifier(process.env, process.pid, log);
    const { addresses } = broker;
    if (options.json) printJson({ addresses, urls: urlsFor(addresses), pid: process.pid, version: VERSION });
    else printLine(firstSteps(addresses, process.argv[1] ?? ''));
    service.ready(`listening on ${addresses.join(', ')}`);
    await untilStopped(stop);
    service.stopping();
    await container.unbindAllAsync();
  });

// The composition root: what the broker is made of is chosen here. Loaded late, for a help that comes at once.
async function compose(options: Options, inherited: readonly string[]) {
  const { listen: asked, store, limit, logLevel, backplane } = options;
  const listen = asked ?? (inherited.length > 0 ? inherited : undefined);
  if (store === '') throw new UsageError('--store takes the path of a folder, such as ./data');
  if (store !== undefined && backplane !== undefined) {
    throw new UsageError('--store and --backplane: the backplane keeps persistent messages, for all brokers');
  }
  if (listen?.some((url) => url.startsWith('memory:'))) {
    throw new UsageError('memory:// joins the parts of one program; no other program could reach this broker');
  }
  const [{ createContainer, TOKENS }, { Broker }] = await Promise.all([
    import('../di/index.js'),
    import('../broker/index.js'),
  ]);
  const container = createContainer({
    ...(listen !== undefined && { listen }),
    ...(limit !== undefined && { limits: limit }),
    ...(store !== undefined && { store: `lmdb:${store}` }),
  });
  const log = serverLog(logLevel);
  logConsole(log);
  warnOfFewFiles(log, withDefaults(limit).connections);
  container.rebind(TOKENS.Logger).toConstantValue(log);
  const plane = await backplaneOf(options);
  if (plane !== undefined) container.bind(TOKENS.Backplane).toConstantValue(plane);
  return { container, log, broker: await container.getAsync(Broker) };
}

void run(command);
