// A container for programs that have none of their own.

import { Container } from 'inversify';

import { spokeModule } from './module.js';
import type { SpokeOptions } from './options.js';

/**
 * A new container with `spokeModule(options)` in it; everything said there holds. Ends with
 * `await container.unbindAllAsync()`.
 * @throws {TypeError} for a wrong option.
 *
 * @example
 * const container = createContainer({ listen: 'memory://home', url: 'memory://home' });
 * const broker = await container.getAsync(Broker);
 * const client = await container.getAsync(Client);
 */
export function createContainer(options: SpokeOptions = {}): Container {
  const container = new Container();
  container.load(spokeModule(options));
  return container;
}
