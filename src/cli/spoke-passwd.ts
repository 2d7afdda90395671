// Makes what a configuration file says of a user: the hash of a password, or of a new token.

import { spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';

import { newCommand, run } from './command.js';
import { UsageError } from './failure.js';
import { printJson, printLine } from './output.js';

interface Options {
  readonly token?: true;
  readonly json?: true;
}

const command = newCommand({
  name: 'spoke-passwd',
  summary: 'Reads a password from standard input, and prints the hash of it for a configuration file.',
  examples: [
    ['spoke-passwd', 'asks for the password twice, and prints $scrypt$...'],
    ['spoke-passwd < password.txt', 'the first line of a file'],
    ['spoke-passwd --token', 'makes a token, and prints it and its hash'],
  ],
  exitCodes: [['1', 'it cannot be printed']],
})
  .option('--token', 'make a token for a program, which nobody can guess')
  .action(async ({ token, json }: Options) => {
    const { hashPassword, hashToken, newToken } = await import('../access/index.js');
    if (token) {
      const secret = newToken();
      const hash = hashToken(secret);
      if (json) printJson({ token: secret, hash });
      else printLine(`${secret}\n${hash}`);
      return;
    }
    const hash = await hashPassword(await readPassword());
    if (json) printJson({ hash });
    else printLine(hash);
  });

async function readPassword(): Promise<string> {
  const isTty = process.stdin.isTTY;
  // Nothing of what is typed is shown.
  const lines = createInterface({ input: process.stdin, terminal: false, crlfDelay: Infinity });
  if (isTty) setEcho(false);
  const next = async (prompt: string): Promise<string> => {
    if (isTty) process.stderr.write(prompt);
    const line = await iterator.next();
    if (isTty) process.stderr.write('\n');
    return line.done === true ? '' : line.value;
  };
  const iterator = lines[Symbol.asyncIterator]();
  try {
    const password = await next('Password: ');
    if (password === '') throw new UsageError('there was no password: type one, or give it on standard input');
    if (isTty && (await next('Again: ')) !== password) throw new UsageError('the two are not the same');
    return password;
  } finally {
    lines.close();
    if (isTty) setEcho(true);
  }
}

// The terminal's own line editing goes on, which raw mode would not have.
function setEcho(on: boolean): void {
  spawnSync('stty', [on ? 'echo' : '-echo'], { stdio: 'inherit' });
}

void run(command);
