// A NestJS microservice that is reached through a broker of spoke.

import { Controller, Inject, Injectable, Module } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { from } from 'rxjs';
import type { SpokeContext } from 'spoke/nestjs';

@Injectable()
export class RoomsService {
  readonly #temperatures = new Map<string, number>([['kitchen', 19]]);

  measured(room: string, degrees: number): void {
    this.#temperatures.set(room, degrees);
  }

  of(room: string): number {
    const degrees = this.#temperatures.get(room);
    if (degrees === undefined) throw new RpcException(`there is no sensor in the ${room}`);
    return degrees;
  }

  names(): readonly string[] {
    return [...this.#temperatures.keys()];
  }
}

@Controller()
export class RoomsController {
  // With `emitDecoratorMetadata`, as Nest's own projects have it, `@Inject` is not needed.
  constructor(@Inject(RoomsService) private readonly rooms: RoomsService) {}

  /** A request, of Nest or of any program: `client.call('rooms/temperature', 'kitchen')`. */
  @MessagePattern('rooms/temperature')
  temperature(@Payload() room: string): number {
    return this.rooms.of(room);
  }

  /** Several values: each on its own for a caller that reads a stream, an array for others. */
  @MessagePattern('rooms/names')
  names() {
    return from(this.rooms.names());
  }

  /** An event, emitted by Nest or published by any program. */
  @EventPattern<string>('sensors/*/temp')
  measured(@Payload() degrees: number, @Ctx() context: SpokeContext): void {
    this.rooms.measured(context.getChannel().split('/')[1] ?? '', degrees);
  }
}

@Module({ controllers: [RoomsController], providers: [RoomsService] })
export class RoomsModule {}
