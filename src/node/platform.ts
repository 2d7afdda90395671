// What a client is on Node, but for its transports and codec, which are given: to load all of them takes a command longer
// than what it does.

import { Router } from '../channels/index.js';
import type { Target } from '../client/failover.js';
import { Failover } from '../client/failover.js';
import type { BaseClientOptions } from '../client/index.js';
import type { Address, Clock, Transport } from '../contracts/index.js';
import { blockOutboxes, systemClock, Turn } from '../link/index.js';
import type { Endpoint } from '../transports/index.js';
import { connectUrl, parseAddress, TransportRegistry } from '../transports/index.js';

/**
 * The broker that is meant, or those of which any will do; `SPOKEHOST` and `SPOKEPORT` stand in for what was not said.
 * @throws {SpokeError} `ADDRESS_INVALID`
 */
export function brokerAddresses(endpoint: Endpoint | readonly string[] | undefined): readonly [Address, ...Address[]] {
  if (isList(endpoint) && endpoint.length === 0) throw new TypeError('url: the list of brokers is empty');
  const [first, ...others] = isList(endpoint) ? endpoint : [endpoint];
  return [addressOf(first), ...others.map(addressOf)];
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
    makeOutbox: blockOutboxes(turn, Infinity),
    sink: turn.sink,
    clock,
  };
}

function failover(targets: readonly [Target, ...Target[]]): Target {
  const transport = new Failover(targets);
  return { address: transport.address, transport };
}

function addressOf(endpoint: Endpoint | undefined): Address {
  return parseAddress(connectUrl(endpoint, process.env));
}

function isList(endpoint: Endpoint | readonly string[] | undefined): endpoint is readonly string[] {
  return Array.isArray(endpoint);
}
