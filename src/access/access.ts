// Users and rules in plain values: what a configuration file says of them.

import type { Action, Authenticator, Authorizer, Identity, LoginPeer } from '../contracts/index.js';
import { ANONYMOUS, PasswordAuthenticator } from './authenticators.js';
import type { Rules } from './rule-set.js';
import { RuleSet } from './rule-set.js';
import { hashToken, isTokenHash } from './tokens.js';

/** One user: how it is known (in any of these ways), what it belongs to, and what it may do beside what its groups may. */
export interface UserOptions extends Rules {
  /** The scrypt hash of its password, from `hashPassword` or `spoke-passwd`. */
  readonly password?: string;
  /** Hashes of its tokens, `sha256:…`, from `hashToken` or `spoke-passwd --token`. */
  readonly token?: string | readonly string[];
  /** The common name or the SHA-256 fingerprint of its TLS certificate; `true`: the common name is its own name. */
  readonly certificate?: string | boolean;
  /** On Unix sockets: the number of the system's user whose processes it is. */
  readonly uid?: number;
  readonly groups?: readonly string[];
}

export interface AccessOptions {
  readonly users?: Readonly<Record<string, UserOptions>>;
  /** Rules for those who belong to a group. */
  readonly groups?: Readonly<Record<string, Rules>>;
  /** Rules for everyone who is let in, `anonymous` as well. */
  readonly everyone?: Rules;
  /** Rules for who has not logged in, clients of the peers above all. `false`, the default: nobody is let in without a login. */
  readonly anonymous?: Rules | false;
}

/** Lets in the users that it is told of, and says what they may do. */
export class Access implements Authenticator, Authorizer {
  readonly takesLogins = true;
  #options: AccessOptions = {};
  #passwords = new PasswordAuthenticator({});
  #byTokenHash = new Map<string, string>();
  #byCertificate = new Map<string, string>();
  #byUid = new Map<number, string>();
  #ruleSets = new WeakMap<Identity, RuleSet>();
  /** One for each user and what it was known by: as long as that is in the options, it stands. */
  readonly #identities = new Map<string, Identity>();
  readonly #proofs = new WeakMap<Identity, string>();

  /** @throws {TypeError} for a hash that is none, a name or certificate given twice, a group that there is not. */
  constructor(options: AccessOptions = {}) {
    this.update(options);
  }

  /** Other users and rules hold from now on. When it throws, nothing has changed. @throws as the constructor. */
  update(options: AccessOptions): void {
    const { users = {}, groups = {} } = options;
    const hashes: [string, string][] = [];
    const tokens = new Map<string, string>();
    const certificates = new Map<string, string>();
    const uids = new Map<number, string>();
    for (const [name, user] of Object.entries(users)) {
      if (name === ANONYMOUS.name || name === '') throw new TypeError(`users: nobody can have the name "${name}"`);
      if (user.password !== undefined) hashes.push([name, user.password]);
      for (const hash of [user.token ?? []].flat()) {
        if (!isTokenHash(hash))
          throw new TypeError(`users.${name}.token: give its hash, sha256:… (spoke-passwd --token)`);
        once(tokens, hash, name, 'token');
      }
      const { certificate = false, uid } = user;
      if (certificate !== false) once(certificates, certificate === true ? name : certificate, name, 'certificate');
      if (uid !== undefined) once(uids, uid, name, 'uid');
      for (const group of user.groups ?? []) {
        if (!Object.hasOwn(groups, group)) throw new TypeError(`users.${name}.groups: there is no group ${group}`);
      }
    }
    this.#passwords = new PasswordAuthenticator(Object.fromEntries(hashes));
    this.#byTokenHash = tokens;
    this.#byCertificate = certificates;
    this.#byUid = uids;
    this.#options = options;
    this.#ruleSets = new WeakMap();
    for (const [key, identity] of this.#identities) if (!this.stands(identity)) this.#identities.delete(key);
  }

  async authenticate(peer: LoginPeer, signal: AbortSignal): Promise<Identity | undefined> {
    const { login, certificate } = peer;
    if (login?.token !== undefined) {
      const hash = hashToken(login.token);
      return this.#identity(this.#byTokenHash.get(hash), hash);
    }
    if (login !== undefined) {
      const known = await this.#passwords.authenticate(peer, signal);
      return known && this.#identity(known.name, this.#user(known.name)?.password);
    }
    if (certificate !== undefined) {
      for (const proof of [certificate.fingerprint, certificate.commonName]) {
        const name = proof === undefined ? undefined : this.#byCertificate.get(proof);
        if (name !== undefined) return this.#identity(name, proof);
      }
    }
    if (peer.credentials !== undefined && this.#byUid.size > 0) {
      const { uid } = await peer.credentials(signal);
      const name = this.#byUid.get(uid);
      if (name !== undefined) return this.#identity(name, String(uid));
    }
    return this.#options.anonymous ? ANONYMOUS : undefined;
  }

  stands(identity: Identity): boolean {
    if (identity.anonymous === true) return Boolean(this.#options.anonymous);
    const proof = this.#proofs.get(identity);
    const user = this.#user(identity.name);
    // Another authenticator's.
    if (proof === undefined) return true;
    if (user === undefined) return false;
    const { password, token = [], certificate, uid } = user;
    const name = certificate === true ? identity.name : certificate;
    return [password, token, name, uid?.toString()].flat().includes(proof);
  }

  allows(identity: Identity, action: Action, target: string): boolean {
    return this.#rulesOf(identity).allows(action, target);
  }

  allowsSome(identity: Identity, pattern: string): boolean {
    return this.#rulesOf(identity).allowsSome(pattern);
  }

  allowsOwn(identity: Identity, channel: string): boolean {
    return this.#rulesOf(identity).allowsOwn(channel);
  }

  #identity(name: string | undefined, proof: string | undefined): Identity | undefined {
    if (name === undefined || proof === undefined) return undefined;
    const key = `${name}\0${proof}`;
    let identity = this.#identities.get(key);
    if (identity === undefined) {
      this.#identities.set(key, (identity = { name }));
      this.#proofs.set(identity, proof);
    }
    return identity;
  }

  #rulesOf(identity: Identity): RuleSet {
    let rules = this.#ruleSets.get(identity);
    if (rules === undefined) this.#ruleSets.set(identity, (rules = this.#collect(identity)));
    return rules;
  }

  #collect(identity: Identity): RuleSet {
    const { groups: all = {}, everyone = {}, anonymous } = this.#options;
    if (identity.anonymous === true) return new RuleSet('', [everyone, anonymous || {}]);
    const user = this.#user(identity.name) ?? {};
    const groups = new Set([...(user.groups ?? []), ...(identity.groups ?? [])]);
    const ofGroups = [...groups].map((group) => (Object.hasOwn(all, group) ? (all[group] ?? {}) : {}));
    return new RuleSet(identity.name, [everyone, ...ofGroups, user]);
  }

  #user(name: string): UserOptions | undefined {
    const { users = {} } = this.#options;
    return Object.hasOwn(users, name) ? users[name] : undefined;
  }
}

function once<K>(map: Map<K, string>, key: K, name: string, what: string): void {
  const other = map.get(key);
  if (other !== undefined) throw new TypeError(`users: ${other} and ${name} have the same ${what}`);
  map.set(key, name);
}
