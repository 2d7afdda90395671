// What a client is on Node, but for its transports and codec, which are given: to load all of them takes a command longer
// than what it does.

import { Router } from '../channels/index.js';
import type { Target } from '../client/failover.js';
import { Failover } from '../client/failover.js';
import type { BaseClientOptions } from '../client/index.js';
import type { Address, Clock, Credentials, Transport } from '../contracts/index.js';
import { blockOutboxes, systemClock, Turn } from '../link/index.js';
import type { Endpoint, Environment } from '../transports/index.js';
import { connectUrl, parseAddress, TransportRegistry, withoutLogin } from '../transports/index.js';

/**
 * The broker that is meant, or those of which any will do, `SPOKEHOST` and `SPOKEPORT` standing in for what was not said; and who
 * one is to them: as the URL has it, else `SPOKE_TOKEN`, else `SPOKE_USER` and `SPOKE_PASSWORD`. The addresses are without a login.
 * @throws {SpokeError} `ADDRESS_INVALID`
 * @throws {TypeError} for an empty list, and for URLs with several logins.
 */
export function brokersAt(endpoint: Endpoint | readonly string[] | undefined): {
  readonly addresses: readonly [Address, ...Address[]];
  readonly auth?: Credentials;
} {
  const brokers: readonly Broker[] = (isList(endpoint) ? endpoint : [endpoint]).map((one) =>
    typeof one === 'string' ? withoutLogin(one) : { url: one },
  );
  const [first, ...others] = brokers;
  if (first === undefined) throw new TypeError('url: the list of brokers is empty');
  if (others.some(({ auth }) => JSON.stringify(auth) !== JSON.stringify(first.auth))) {
    throw new TypeError('url: a list with several logins; what one broker knows must not be told to another');
  }
  const addressOf = ({ url }: Broker) => parseAddress(connectUrl(url, process.env));
  const addresses = [addressOf(first), ...others.map(addressOf)] as const;
  const { auth = environmentLogin(process.env) } = first;
  return { addresses, ...(auth !== undefined && { auth }) };
}

interface Broker {
  readonly url: Endpoint | undefined;
  readonly auth?: Credentials;
}

function environmentLogin({ SPOKE_TOKEN, SPOKE_USER, SPOKE_PASSWORD }: Environment): Credentials | undefined {
  if (SPOKE_TOKEN) return { token: SPOKE_TOKEN };
  return SPOKE_USER ? { user: SPOKE_USER, password: SPOKE_PASSWORD ?? '' } : undefined;
}

/**
 * @param addresses - of brokers of which any will do.
 * @throws {SpokeError} `UNKNOWN_SCHEME`, `DUPLICATE`.
 */
export function onNode(
  addresses: readonly [Address, ...Address[]],
  transports: readonly Transport[],
  clock: Clock = systemClock,
): Pick<BaseClientOptions, 'address' | 'transport' | 'routes' | 'makeOutbox' | 'sink' | 'clock'> {
  const turn = new Turn(clock);
  const registry = new TransportRegistry(transports);
  const target = (address: Address): Target => ({ address, transport: registry.find(address) });
  const [first, ...others] = addresses;
  return {
    ...target(first),
    ...(others.length > 0 && failover([target(first), ...others.map(target)])),
    routes: new Router(),
    // What is too much to send is refused at `publish`; the connection must not end for it.
    makeOutbox: blockOutboxes(turn),
    sink: turn.sink,
    clock,
  };
}

function failover(targets: readonly [Target, ...Target[]]): Target {
  const transport = new Failover(targets);
  return { address: transport.address, transport };
}

function isList(endpoint: Endpoint | readonly string[] | undefined): endpoint is readonly string[] {
  return Array.isArray(endpoint);
}
