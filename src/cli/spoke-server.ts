// Runs a broker until it is told to end.

import { Option } from 'commander';

import type { Limits } from '../contracts/index.js';
import { withDefaults } from '../contracts/index.js';
import { collect } from './arguments.js';
import type { BackplaneArguments } from './backplane.js';
import { backplaneOf } from './backplane.js';
import { newCommand, run } from './command.js';
import { collectHistory } from './history.js';
import type { Config } from './config/config.js';
import { ConfigError } from './config/problem.js';
import { UsageError } from './failure.js';
import { collectLimit, limitLines } from './limits.js';
import { warnOfFewFiles, watchFiles } from './open-files.js';
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
  readonly logLevel?: LogLevel;
  readonly config?: string;
  readonly checkConfig?: true;
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
    ["spoke-server --backplane nats://a --history 'sensors/**=7d,1GB'", 'and a week of these, to be read again'],
    ['spoke-server --config spoke.yaml', 'with users, rules, limits and endpoints from a file'],
    ['spoke-server --config spoke.yaml --check-config', 'says what is wrong with that file, and ends'],
    ['SPOKEPORT=9000 spoke-server', 'on another port'],
    ['spoke-server --listen tcp://127.0.0.1:0 --json', 'on a free port, printed as JSON'],
  ],
  exitCodes: [
    [
      '1',
      'it cannot listen there (another program has the port, or it is not allowed), the store cannot be opened, the file is wrong, or the ' +
        'backplane cannot be reached, does not let it in, or is of a version that cannot do what is needed',
    ],
  ],
  remarks: [
    'Without --listen it is the sockets that systemd opened for it, else tcp://0.0.0.0:SPOKEPORT (environment), else ' +
      'tcp://0.0.0.0:7181.',
    'SIGHUP reads the file again, without a connection lost. Options of the command line win over it. Without a file it does nothing.',
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
  .option('--backplane-replicas <n>', 'NATS servers that keep each persistent message, and history')
  .option(
    '--history <pattern=limits>',
    'keep history, such as sensors/**=7d,1GB or jobs/*=100000; may be given several times',
    collectHistory,
  )
  .option(
    '-r, --reuse',
    'accepted for scripts of other brokers; always on: it can be started again on its port at once',
  )
  .addOption(new Option('--log-level <level>', 'what to log on standard error (default: warn)').choices(LOG_LEVELS))
  .option('--config <file>', 'endpoints, store, users, rules, limits and log level: YAML, TOML or JSON')
  .option('--check-config', 'say what is wrong with the file, and end')
  .action(async (options: Options) => {
    if (options.checkConfig) {
      await check(options);
      return;
    }
    if (options.limits) {
      const config = options.config === undefined ? {} : await readConfig(options.config);
      const limits = { ...config.limits, ...options.limit };
      if (options.json) printJson(withDefaults(limits));
      else printLine(limitLines(limits));
      return;
    }
    // Nobody reads its first lines any more: that is no reason to leave everyone without a broker.
    const stop = listenForStop({ withOutput: false });
    const { container, broker, log, warn, mustLogIn } = await compose(
      options,
      inheritedEndpoints(process.env, process.pid),
    );
    using service = new ServiceNotifier(process.env, process.pid, log);
    const { addresses } = broker;
    if (options.json) printJson({ addresses, urls: urlsFor(addresses), pid: process.pid, version: VERSION });
    else printLine(firstSteps(addresses, process.argv[1] ?? '', mustLogIn));
    warn();
    service.ready(`listening on ${addresses.join(', ')}`);
    const unwatch = watchFiles(log);
    await untilStopped(stop);
    unwatch();
    service.stopping();
    await container.unbindAllAsync();
  });

// Loaded when there is a file: it brings three parsers.
async function readConfig(file: string): Promise<Config> {
  const config = await import('./config/config.js');
  return config.readConfig(file);
}

async function check({ config: file, json }: Options): Promise<void> {
  if (file === undefined) throw new UsageError('--check-config needs --config');
  await readConfig(file);
  if (json) printJson({ config: file, okay: true });
  else printLine(`${file}: nothing is wrong with it`);
}

// The composition root: what the broker is made of is chosen here. Loaded late, for a help that comes at once.
async function compose(options: Options, inherited: readonly string[]) {
  if (options.store === '') throw new UsageError('--store takes the path of a folder, such as ./data');
  if (options.listen?.some((url) => url.startsWith('memory:'))) {
    throw new UsageError('memory:// joins the parts of one program; no other program could reach this broker');
  }
  const [{ createContainer, TOKENS }, { Broker }, { warnings }] = await Promise.all([
    import('../di/index.js'),
    import('../broker/index.js'),
    import('./config/warnings.js'),
  ]);
  const { config: file } = options;
  /** What is said on the command line wins. */
  const settings = (config: Config) => {
    const { listen = config.listen ?? (inherited.length > 0 ? inherited : undefined), logLevel = config.logLevel } =
      options;
    const store = options.store ?? config.store;
    if (store !== undefined && options.backplane !== undefined) {
      throw new UsageError('--store and --backplane: the backplane keeps persistent messages, for all brokers');
    }
    const limits = { ...config.limits, ...options.limit };
    return {
      logLevel: logLevel ?? 'warn',
      broker: {
        ...(listen !== undefined && { listen }),
        ...(store !== undefined && { store: `lmdb:${store}` }),
        ...(config.access !== undefined && { access: config.access }),
        limits,
      },
    };
  };
  const config = file === undefined ? {} : await readConfig(file);
  const first = settings(config);
  const log = serverLog(first.logLevel);
  const container = createContainer(first.broker);
  logConsole(log);
  warnOfFewFiles(log, withDefaults(first.broker.limits).connections);
  container.rebind(TOKENS.Logger).toConstantValue(log);
  const history = options.history ?? config.history;
  const plane = await backplaneOf({ ...options, ...(history !== undefined && { history }) });
  if (plane !== undefined) container.bind(TOKENS.Backplane).toConstantValue(plane);
  const broker = await container.getAsync(Broker);
  const warn = (): void => {
    for (const text of warnings(broker.addresses, config.access)) log.warn({}, text);
  };
  if (file === undefined) {
    onHangUp(async () =>
      log.warn({}, 'SIGHUP: there is nothing to read again, for this server was started without --config'),
    );
  } else {
    onHangUp(async () => {
      try {
        const next = settings(await readConfig(file));
        const { listen, access, limits, store } = next.broker;
        if (config.access !== undefined && access === undefined) {
          throw new UsageError('it says nothing of users and rules any more; start anew to let everybody in');
        }
        await broker.reload({
          ...(listen !== undefined && { listen }),
          ...(access !== undefined && { access }),
          limits,
        });
        log.level = next.logLevel;
        if (store !== first.broker.store) log.warn({}, 'store: another one needs a restart');
        log.info({ file }, 'the configuration was read again');
      } catch (error) {
        const problems =
          error instanceof ConfigError ? error.problems : [error instanceof Error ? error.message : String(error)];
        for (const text of problems) log.error({}, `the configuration stays as it was: ${text}`);
      }
    });
  }
  const mustLogIn = config.access !== undefined && !config.access.anonymous;
  return { container, log, broker, warn, mustLogIn };
}

/** One at a time; what comes meanwhile is done once more. */
function onHangUp(reload: () => Promise<void>): void {
  let running: Promise<void> = Promise.resolve();
  process.on('SIGHUP', () => {
    running = running.then(reload);
  });
}

void run(command);
