// What a client is on Node, but for its transports and codec, which are given: to load all of them takes a command longer
// than what it does.

import { Router } from '../channels/index.js';
import type { BaseClientOptions } from '../client/index.js';
import type { Address, Clock, Transport } from '../contracts/index.js';
import { blockOutboxes, systemClock, Turn } from '../link/index.js';
import type { Endpoint } from '../transports/index.js';
import { connectUrl, parseAddress, TransportRegistry } from '../transports/index.js';

/**
 * The broker that is meant; `SPOKEHOST` and `SPOKEPORT` stand in for what was not said.
 * @throws {SpokeError} `ADDRESS_INVALID`
 */
export function brokerAddress(endpoint: Endpoint | undefined): Address {
  return parseAddress(connectUrl(endpoint, process.env));
}

/** @throws {SpokeError} `UNKNOWN_SCHEME`, `DUPLICATE`. */
export function onNode(
  address: Address,
  transports: readonly Transport[],
  clock: Clock = systemClock,
): Pick<BaseClientOptions, 'address' | 'transport' | 'routes' | 'makeOutbox' | 'sink' | 'clock'> {
  const turn = new Turn(clock);
  return {
    address,
    transport: new TransportRegistry(transports).find(address),
    routes: new Router(),
    // What is too much to send is refused at `publish`; the connection must not end for it.
    makeOutbox: blockOutboxes(turn, Infinity),
    sink: turn.sink,
    clock,
  };
}
