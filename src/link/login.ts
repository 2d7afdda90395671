// What a hello says of who its sender is (docs/protocol.md#feature-auth).

import type { Credentials } from '../contracts/index.js';

// In UTF-16 units. What is longer is no name, password or token.
const LONGEST = 4096;

/** The credentials in the body of a `HELLO`; `undefined`: there are none. What is not a text counts as absent. */
export function readLogin(body: unknown): Credentials | undefined {
  const auth: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, 'auth') : undefined;
  if (typeof auth !== 'object' || auth === null) return undefined;
  return { ...textAt(auth, 'token'), ...textAt(auth, 'user'), ...textAt(auth, 'password') };
}

function textAt(body: object, key: keyof Credentials): Credentials {
  const value: unknown = Reflect.get(body, key);
  return typeof value === 'string' && value.length <= LONGEST ? { [key]: value } : {};
}
