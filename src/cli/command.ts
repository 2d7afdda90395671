// What all commands have in common: how they are described, how they are run, and how they fail.

import { Command, CommanderError } from 'commander';

import { VERSION } from '../version.js';
import type { Failure } from './failure.js';
import { EXIT, failureOf, OutputError, Stopped, UsageError } from './failure.js';
import { note } from './output.js';

export interface CommandDescription {
  readonly name: string;
  readonly summary: string;
  /** Command lines, each with what it does. */
  readonly examples: readonly (readonly [line: string, effect: string])[];
  /** Exit codes beside 0 and 2, which all commands have. */
  readonly exitCodes: readonly (readonly [code: string, meaning: string])[];
  /** Further lines of the help. */
  readonly remarks?: readonly string[];
}

/** A command without arguments, options of its own and an action: they are to be added. */
export function newCommand(description: CommandDescription): Command {
  const { name, summary } = description;
  return new Command(name)
    .description(summary)
    .helpOption('-h, --help', 'print this help and exit')
    .addHelpText('after', helpText(description))
    .exitOverride()
    .configureOutput({ writeErr() {} });
}

/**
 * Adds `--json` and `--version`, and runs the command. When it is done the process ends by itself, for nothing is left
 * behind; when it failed, at once.
 */
export async function run(command: Command): Promise<void> {
  command
    .option('--json', 'print one JSON object a line, errors as well')
    .version(VERSION, '--version', 'print the version and exit');
  const report = (error: unknown) => {
    const failure = failureOf(error instanceof CommanderError ? usageError(command, error) : error);
    process.exitCode = failure.exitCode;
    note(jsonIsWanted() ? errorJson(failure) : `${command.name()}: ${failure.message}`);
  };
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Nobody reads any more, as with `| head -1`: nothing to complain of.
    if (error.code !== 'EPIPE') report(new OutputError('standard output', error));
  });
  // There is nowhere else to say it.
  process.stderr.on('error', () => {});
  // A defect of ours. A person at a shell can do nothing with its stack trace, and the state is unknown: end here.
  process.on('uncaughtException', (error) => {
    report(error);
    process.exit();
  });
  try {
    await command.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return;
    if (!(error instanceof Stopped)) report(error);
    else if (error.by !== 'OUTPUT') process.exitCode = EXIT[error.by];
  }
  // Whatever it still has open, it gave up: a broker that does not answer would be waited for.
  if (process.exitCode !== undefined) process.exit();
}

/** A failure as it is printed under `--json`. */
export function errorJson({ code, message }: Failure): string {
  return JSON.stringify({ error: { code, message } });
}

function helpText({ examples, exitCodes, remarks = [] }: CommandDescription): string {
  const lineWidth = Math.max(...examples.map(([line]) => line.length));
  const codeWidth = Math.max(...exitCodes.map(([code]) => code.length));
  const codes: CommandDescription['exitCodes'] = [['0', 'done'], ...exitCodes, ['2', 'wrong usage: nothing was done']];
  const sorted = codes.toSorted(([a], [b]) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
  return [
    ...(remarks.length > 0 ? ['', ...remarks] : []),
    '',
    'Examples:',
    ...examples.map(([line, effect]) => `  ${line.padEnd(lineWidth)}  # ${effect}`),
    '',
    'Exit codes:',
    ...sorted.map(([code, meaning]) => `  ${code.padEnd(codeWidth)}  ${meaning}`),
  ].join('\n');
}

function usageError(command: Command, error: CommanderError): UsageError {
  const text = error.message.replace(/^error: /, '');
  const hint =
    error.code === 'commander.excessArguments' && command.registeredArguments.some((one) => one.name() === 'body')
      ? '; put the body in quotes, as in \'{"x": 1}\''
      : `; see ${command.name()} --help`;
  return new UsageError(`${text.replace(/\.$/, '')}${hint}`);
}

// Also when the arguments could not be read to their end.
function jsonIsWanted(): boolean {
  const args = process.argv.slice(2);
  const end = args.indexOf('--');
  return (end < 0 ? args : args.slice(0, end)).includes('--json');
}
