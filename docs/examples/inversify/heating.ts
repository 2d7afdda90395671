// An application with a container: a class answers calls and reacts to messages, with what the container gives it.

import { Container, inject, injectable } from 'inversify';
import type { Message, SpokeOptions } from 'spoke';
import { Client, providerOf, spokeModule, TOKENS } from 'spoke';
import { method, provider, subscriber } from 'spoke/decorators';

/** A part of the application that knows nothing of messages. */
@injectable()
export class Targets {
  readonly #degrees = new Map<string, number>();

  of(room: string): number {
    return this.#degrees.get(room) ?? 20;
  }

  set(room: string, degrees: number): void {
    this.#degrees.set(room, degrees);
  }
}

@provider('heating')
@injectable()
export class Heating {
  constructor(
    @inject(Targets) private readonly targets: Targets,
    @inject(Client) private readonly client: Client,
  ) {}

  /** The procedure `heating/set`. */
  @method()
  set({ room, degrees }: { readonly room: string; readonly degrees: number }): void {
    if (!(degrees >= 5 && degrees <= 30)) throw new RangeError(`${degrees} is too much or too little for the ${room}`);
    this.targets.set(room, degrees);
  }

  /** The procedure `heating/target`. */
  @method('target')
  targetOf(room: string): number {
    return this.targets.of(room);
  }

  @subscriber('sensors/*/temp')
  async measured({ channel, body }: Message<number>): Promise<void> {
    const room = channel.split('/')[1] ?? '';
    await this.client.publish(`valves/${room}`, body < this.targets.of(room), { persist: true });
  }
}

/** The application. It runs once `container.getAsync(Handlers)` has resolved, and ends with `container.unbindAllAsync()`. */
export function heatingContainer(options: SpokeOptions): Container {
  const container = new Container();
  container.load(spokeModule(options));
  container.bind(Targets).toSelf().inSingletonScope();
  container.bind(TOKENS.Handler).to(Heating);
  // The same without a class, and so without decorators.
  container
    .bind(TOKENS.Handler)
    .toResolvedValue(
      (targets: Targets) => providerOf('comfort/cold', (room: string) => targets.of(room) < 18),
      [Targets],
    );
  return container;
}
