// Ready-made authenticators: by token, by password, by certificate, by the user of the other process, and one after the other.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

import type { Authenticator, Identity, LoginPeer, PeerCertificate } from '../contracts/index.js';
import { isPasswordHash, PasswordChecker } from './passwords.js';
import { hashToken, isTokenHash } from './tokens.js';

type Answer = ReturnType<Authenticator['authenticate']>;

/** Knows clients by a token that they say. */
export class TokenAuthenticator implements Authenticator {
  readonly takesLogins = true;
  readonly #identities = new Map<string, Identity>();

  /**
   * @param tokens - by hash (`hashToken`, `spoke-passwd --token`): whose it is.
   * @throws {TypeError} for a text that is no such hash.
   */
  constructor(tokens: Readonly<Record<string, Identity | string>>) {
    for (const [hash, owner] of Object.entries(tokens)) {
      if (!isTokenHash(hash)) throw new TypeError('a token is given by its hash, sha256:… (see hashToken)');
      this.#identities.set(hash, typeof owner === 'string' ? { name: owner } : owner);
    }
  }

  // By its hash: how long the search takes says nothing of the token.
  authenticate({ login }: LoginPeer): Identity | undefined {
    return login?.token === undefined ? undefined : this.#identities.get(hashToken(login.token));
  }
}

/** Knows users by a password. */
export class PasswordAuthenticator implements Authenticator {
  readonly takesLogins = true;
  readonly #hashes: ReadonlyMap<string, string>;
  readonly #checker = new PasswordChecker();
  // What was right before, under a key that only this object has: a thousand clients that come back at once take no minutes.
  readonly #key = randomBytes(32);
  readonly #proven = new Map<string, Buffer>();

  /**
   * @param users - by name: the hash of the password (`hashPassword`, `spoke-passwd`).
   * @throws {TypeError} for a text that is no such hash.
   */
  constructor(users: Readonly<Record<string, string>>) {
    this.#hashes = new Map(Object.entries(users));
    for (const [name, hash] of this.#hashes) {
      if (!isPasswordHash(hash)) {
        throw new TypeError(`the password of ${name} must be given by its scrypt hash, as hashPassword makes it`);
      }
    }
  }

  async authenticate({ login }: LoginPeer, signal: AbortSignal): Promise<Identity | undefined> {
    const { user, password } = login ?? {};
    if (user === undefined || password === undefined) return undefined;
    const hash = this.#hashes.get(user);
    const proof = createHmac('sha256', this.#key).update(password).digest();
    const proven = this.#proven.get(user);
    if (proven !== undefined && timingSafeEqual(proof, proven)) return { name: user };
    if (!(await this.#checker.check(password, hash, signal))) return undefined;
    this.#proven.set(user, proof);
    return { name: user };
  }
}

/** Knows clients by the TLS certificate that they have proven to own, and that a signer of the endpoint's `ca` has signed. */
export class CertificateAuthenticator implements Authenticator {
  readonly #identify: (certificate: PeerCertificate) => Identity | string | undefined;

  /** @param identify - who it is. Default: its common name. */
  constructor(
    identify: (certificate: PeerCertificate) => Identity | string | undefined = ({ commonName }) => commonName,
  ) {
    this.#identify = identify;
  }

  authenticate({ certificate }: LoginPeer): Identity | undefined {
    const found = certificate === undefined ? undefined : this.#identify(certificate);
    return typeof found === 'string' ? { name: found } : found;
  }
}

/** Knows processes of the same machine by their user, on Unix sockets. */
export class UnixAuthenticator implements Authenticator {
  readonly #users: ReadonlyMap<number, Identity>;

  /** @param users - by the system's number of a user (uid): who it is. */
  constructor(users: Readonly<Record<number, Identity | string>>) {
    const entries = Object.entries(users).map(
      ([uid, owner]) => [Number(uid), typeof owner === 'string' ? { name: owner } : owner] as const,
    );
    this.#users = new Map(entries);
  }

  async authenticate({ credentials }: LoginPeer, signal: AbortSignal): Promise<Identity | undefined> {
    return credentials === undefined ? undefined : this.#users.get((await credentials(signal)).uid);
  }
}

export interface ChainOptions {
  /**
   * Who those are whom none knows: an identity, or `true` for the user `anonymous`. A login that is wrong is not let in all the same.
   * Default: nobody, they are not let in.
   */
  readonly anonymous?: Identity | boolean;
}

/** Asks one authenticator after the other; the first that knows somebody decides. */
export class ChainAuthenticator implements Authenticator {
  readonly takesLogins: boolean;
  readonly #links: readonly Authenticator[];
  readonly #anonymous: Identity | undefined;

  constructor(links: readonly Authenticator[], { anonymous = false }: ChainOptions = {}) {
    this.#links = links;
    this.takesLogins = links.some((link) => link.takesLogins === true);
    this.#anonymous = typeof anonymous === 'object' ? anonymous : anonymous ? ANONYMOUS : undefined;
  }

  async authenticate(peer: LoginPeer, signal: AbortSignal): Promise<Identity | undefined> {
    for (const link of this.#links) {
      // What a client says counts more than where it comes from: only those that hear it are asked.
      if (peer.login !== undefined && link.takesLogins !== true) continue;
      const answer: Awaited<Answer> = await link.authenticate(peer, signal);
      if (answer !== undefined) return answer;
    }
    return peer.login === undefined ? this.#anonymous : undefined;
  }

  stands(identity: Identity): boolean {
    return this.#links.every((link) => link.stands?.(identity) !== false);
  }
}

/** Who is let in without being known. */
export const ANONYMOUS: Identity = Object.freeze({ name: 'anonymous', anonymous: true });
