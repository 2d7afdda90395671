// What is not safe says so when a broker starts.

import type { AccessOptions, Rules } from '../../access/index.js';
import { parseAddress } from '../../transports/index.js';

const ONLY_HERE = /^(?:localhost|127\.[\d.]+|::1)$/;

/** One line for each; none is an error. */
export function warnings(addresses: readonly string[], access: AccessOptions | undefined): string[] {
  const reachable = addresses.filter((address) => {
    const { scheme, host } = parseAddress(address);
    return scheme !== 'unix' && !ONLY_HERE.test(host);
  });
  if (reachable.length === 0) return [];
  const found: string[] = [];
  if (access === undefined) {
    found.push(
      `everybody who can reach ${reachable.join(', ')} may read and write everything; name users in a file (--config), or ` +
        'listen on 127.0.0.1 only',
    );
    return found;
  }
  const plain = reachable.filter((address) => /^(?:tcp|ws):/.test(address));
  const secrets = Object.values(access.users ?? {}).some((user) => (user.password ?? user.token) !== undefined);
  if (secrets && plain.length > 0) {
    found.push(`passwords and tokens can be read on their way to ${plain.join(', ')}; use tls:// and wss://`);
  }
  if (access.anonymous && (mayAll(access.anonymous) || mayAll(access.everyone ?? {}))) {
    found.push(`who has not logged in may read and write everything on ${reachable.join(', ')} (anonymous, everyone)`);
  }
  return found;
}

function mayAll({ allow }: Rules): boolean {
  if (allow === undefined || allow === 'all') return allow === 'all';
  return allow.publish?.includes('**') === true && allow.subscribe?.includes('**') === true;
}
