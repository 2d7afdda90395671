// The ready-made authenticators: whom they know, and what they never take for granted.

import { beforeAll, describe, expect, it } from '@jest/globals';

import {
  CertificateAuthenticator,
  ChainAuthenticator,
  hashPassword,
  hashToken,
  isPasswordHash,
  newToken,
  PasswordAuthenticator,
  TokenAuthenticator,
  UnixAuthenticator,
} from '../../../src/access/index.js';
import type { Credentials, LoginPeer } from '../../../src/contracts/index.js';

const signal = new AbortController().signal;
const address = 'tcp://192.0.2.1:5000';
const says = (login: Credentials): LoginPeer => ({ address, login });
const certificate = { subject: 'CN=r2', commonName: 'r2', fingerprint: 'AB:CD' };

describe('a token', () => {
  it('is known by its hash, and nothing else is', () => {
    const token = newToken();
    const authenticator = new TokenAuthenticator({ [hashToken(token)]: { name: 'r2', groups: ['robots'] } });
    expect(authenticator.authenticate(says({ token }))).toEqual({ name: 'r2', groups: ['robots'] });
    for (const wrong of ['', `${token} `, hashToken(token), newToken(), '__proto__']) {
      expect(authenticator.authenticate(says({ token: wrong }))).toBeUndefined();
    }
    expect(authenticator.authenticate({ address })).toBeUndefined();
    expect(authenticator.authenticate(says({ user: 'r2', password: token }))).toBeUndefined();
  });

  it('that is given as it is, is refused without being repeated', () => {
    expect(() => new TokenAuthenticator({ 'my-token': 'r2' })).toThrow(TypeError);
    expect(() => new TokenAuthenticator({ 'my-token': 'r2' })).not.toThrow('my-token');
  });
});

describe('a password', () => {
  let hash: string;
  let authenticator: PasswordAuthenticator;
  beforeAll(async () => {
    hash = await hashPassword('café');
    authenticator = new PasswordAuthenticator({ alice: hash });
  });

  it('is kept as a hash of scrypt that is another one each time', async () => {
    expect(hash).toMatch(/^\$scrypt\$ln=15,r=8,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
    expect(isPasswordHash(hash)).toBe(true);
    expect(await hashPassword('café')).not.toBe(hash);
  });

  it('is right or not, the second time as the first', async () => {
    for (let time = 0; time < 2; time++) {
      expect(await authenticator.authenticate(says({ user: 'alice', password: 'café' }), signal)).toEqual({
        name: 'alice',
      });
      expect(await authenticator.authenticate(says({ user: 'alice', password: 'cafe' }), signal)).toBeUndefined();
      expect(await authenticator.authenticate(says({ user: 'alice', password: '' }), signal)).toBeUndefined();
    }
  });

  it('may be typed on any keyboard: letters with accents are the same, however they are put together', async () => {
    const login = { user: 'alice', password: 'cafe\u0301' };
    expect(await authenticator.authenticate(says(login), signal)).toEqual({ name: 'alice' });
  });

  it('of a user who is not there takes as long as a wrong one: nobody learns which users there are', async () => {
    const time = async (user: string): Promise<number> => {
      const times: number[] = [];
      for (let n = 0; n < 3; n++) {
        const start = performance.now();
        expect(await authenticator.authenticate(says({ user, password: `guess ${n}` }), signal)).toBeUndefined();
        times.push(performance.now() - start);
      }
      return Math.min(...times);
    };
    expect(await time('nobody')).toBeGreaterThan((await time('alice')) / 3);
  });

  it('is not waited for by whoever has gone meanwhile', async () => {
    const end = new AbortController();
    const checks = [0, 1, 2, 3, 4].map((n) =>
      Promise.resolve(authenticator.authenticate(says({ user: 'alice', password: `guess ${n}` }), end.signal)).catch(
        (error: unknown) => error,
      ),
    );
    end.abort(new Error('gone'));
    const answers = await Promise.all(checks);
    expect(answers.filter((answer) => answer instanceof Error && answer.message === 'gone').length).toBeGreaterThan(1);
  });

  it.each([
    'secret',
    '$scrypt$ln=31,r=8,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2g',
    '$scrypt$ln=15,r=8,p=0$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2g',
  ])('is never given as %s', (text) => {
    expect(isPasswordHash(text)).toBe(false);
    expect(() => new PasswordAuthenticator({ alice: text })).toThrow(
      'the password of alice must be given by its scrypt hash',
    );
    expect(() => new PasswordAuthenticator({ alice: text })).not.toThrow(text);
  });
});

describe('what a connection proves without a word', () => {
  it('is the common name of a certificate, or whatever a function makes of it', () => {
    expect(new CertificateAuthenticator().authenticate({ address, certificate })).toEqual({ name: 'r2' });
    const byFingerprint = new CertificateAuthenticator(({ fingerprint }) =>
      fingerprint === 'AB:CD' ? 'seven' : undefined,
    );
    expect(byFingerprint.authenticate({ address, certificate })).toEqual({ name: 'seven' });
    expect(new CertificateAuthenticator().authenticate({ address })).toBeUndefined();
  });

  it('is the user of the process at the other end of a Unix socket', async () => {
    const authenticator = new UnixAuthenticator({ 1000: 'alice' });
    const peer = (uid: number): LoginPeer => ({ address, credentials: async () => ({ pid: 1, uid, gid: 1000 }) });
    expect(await authenticator.authenticate(peer(1000), signal)).toEqual({ name: 'alice' });
    expect(await authenticator.authenticate(peer(0), signal)).toBeUndefined();
    expect(await authenticator.authenticate({ address }, signal)).toBeUndefined();
  });
});

describe('several in a chain', () => {
  const tokens = new TokenAuthenticator({ [hashToken('t')]: 'alice' });
  const chain = new ChainAuthenticator([new CertificateAuthenticator(), tokens], { anonymous: true });

  it('are asked one after the other', async () => {
    expect(await chain.authenticate({ address, certificate }, signal)).toEqual({ name: 'r2' });
    expect(await chain.authenticate(says({ token: 't' }), signal)).toEqual({ name: 'alice' });
    expect(await chain.authenticate({ address }, signal)).toMatchObject({ name: 'anonymous', anonymous: true });
  });

  it('take what a client says for more than where it comes from', async () => {
    expect(await chain.authenticate({ address, certificate, login: { token: 't' } }, signal)).toEqual({
      name: 'alice',
    });
  });

  it('do not let a wrong login in as anonymous, nor as whose certificate it comes with', async () => {
    expect(await chain.authenticate({ address, certificate, login: { token: 'x' } }, signal)).toBeUndefined();
  });
});
