// `spoke-server --backplane`: what joins the broker to others.

import type { Backplane, HistoryRule } from '../contracts/index.js';
import { UsageError } from './failure.js';

export interface BackplaneArguments {
  readonly backplane?: readonly string[];
  readonly backplaneCredentials?: string;
  readonly backplaneCa?: string;
  readonly backplaneCert?: string;
  readonly backplaneKey?: string;
  readonly backplanePrefix?: string;
  readonly backplaneReplicas?: string;
  readonly history?: readonly HistoryRule[];
}

/** `undefined`: the broker is alone. Loads the packages that it needs, which not everybody has installed. */
export async function backplaneOf(options: BackplaneArguments): Promise<Backplane | undefined> {
  const { backplane, backplaneCredentials, backplanePrefix, backplaneReplicas } = options;
  if (backplane === undefined) {
    if (options.history !== undefined) {
      throw new UsageError('history is kept by a backplane: it needs --backplane nats://host:4222');
    }
    const [without] = Object.keys(options).filter((name) => name.startsWith('backplane'));
    if (without !== undefined) throw new UsageError('options of a backplane need --backplane nats://host:4222');
    return undefined;
  }
  const servers = backplane.flatMap((urls) => urls.split(','));
  if (servers.some((url) => /\/\/[^/]*@/.test(url))) {
    throw new UsageError(
      '--backplane: a password in an argument can be seen by everyone on this machine; use --backplane-credentials FILE',
    );
  }
  const { backplaneCa: ca, backplaneCert: cert, backplaneKey: key } = options;
  const tls = {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
  const { history } = options;
  const { NatsBackplane } = await loadNats();
  try {
    return new NatsBackplane({
      servers,
      ...(Object.keys(tls).length > 0 && { tls }),
      ...(backplaneCredentials !== undefined && { credentials: backplaneCredentials }),
      ...(backplanePrefix !== undefined && { prefix: backplanePrefix }),
      ...(backplaneReplicas !== undefined && { replicas: Number(backplaneReplicas) }),
      ...(history !== undefined && { history }),
    });
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(`--backplane: ${error.message}`);
    throw error;
  }
}

async function loadNats() {
  try {
    return await import('../backplanes/nats/index.js');
  } catch (error) {
    if (error instanceof Error && /Cannot find (module|package) '@nats-io/.test(error.message)) {
      throw new UsageError('--backplane needs two packages: npm install @nats-io/transport-node @nats-io/jetstream');
    }
    throw error;
  }
}
