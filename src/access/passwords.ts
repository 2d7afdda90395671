// Passwords as they are kept: hashed with scrypt, in the form that other programs use (PHC string format).

import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

import { Slots } from './slots.js';

// 2^15 blocks of 1 KiB: 32 MiB and about a tenth of a second for each guess.
const COST = { ln: 15, r: 8, p: 1 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
// What a hash in a file may ask for. More would be a mistake, or a trap.
const MOST_MEMORY = 256 * 1024 * 1024;
const FORM = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;

interface PasswordHash {
  readonly ln: number;
  readonly r: number;
  readonly p: number;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

/** Hashes a password: `$scrypt$ln=15,r=8,p=1$<salt>$<hash>`, another text each time. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, { ...COST, salt, hash: Buffer.alloc(HASH_BYTES) });
  return `$scrypt$ln=${COST.ln},r=${COST.r},p=${COST.p}$${base64(salt)}$${base64(hash)}`;
}

/** Whether a text is a hash that `PasswordChecker` can check. */
export function isPasswordHash(text: string): boolean {
  return parse(text) !== undefined;
}

/** Checks passwords, a few at a time; whoever waits too long gives up by its signal. */
export class PasswordChecker {
  // Node hashes in the threads that also read files: half of them are left to others.
  readonly #slots = new Slots(2);

  /**
   * Whether it is this password. Takes as long for a wrong one.
   * @param hash - as of `hashPassword`. Without one it takes just as long, and the answer is `false`: how long it takes does not tell
   *   whether there is such a user.
   * @throws what the signal aborts with.
   */
  async check(password: string, hash: string | undefined, signal: AbortSignal): Promise<boolean> {
    const known = hash === undefined ? undefined : parse(hash);
    const wanted = known ?? { ...COST, salt: Buffer.alloc(SALT_BYTES), hash: Buffer.alloc(HASH_BYTES) };
    const found = await this.#slots.run(() => derive(password, wanted), signal);
    return timingSafeEqual(found, wanted.hash) && known !== undefined;
  }
}

function derive(password: string, { ln, r, p, salt, hash }: PasswordHash): Promise<Buffer> {
  // The same letter can be written in two ways; keyboards differ in that.
  const text = password.normalize('NFC');
  return new Promise((resolve, reject) => {
    scrypt(text, salt, hash.length, { N: 2 ** ln, r, p, maxmem: 2 * MOST_MEMORY }, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}

function parse(text: string): PasswordHash | undefined {
  const [, ln = '', r = '', p = '', salt = '', hash = ''] = FORM.exec(text) ?? [];
  const cost = { ln: Number(ln), r: Number(r), p: Number(p) };
  if (hash === '' || cost.ln < 1 || cost.r < 1 || cost.p < 1 || cost.p > 16) return undefined;
  if (128 * cost.r * 2 ** cost.ln > MOST_MEMORY) return undefined;
  return { ...cost, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') };
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
