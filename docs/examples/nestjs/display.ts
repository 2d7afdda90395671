// Another NestJS application, which asks and tells.

import { Inject, Injectable, Module } from '@nestjs/common';
import { catchError, lastValueFrom, of, timeout } from 'rxjs';
import type { SpokeConnectionOptions } from 'spoke/nestjs';
import { SpokeClient, SpokeModule, SpokeRecord } from 'spoke/nestjs';

@Injectable()
export class DisplayService {
  constructor(@Inject(SpokeClient) private readonly spoke: SpokeClient) {}

  /** `?` when there is no answer, or none within a second. */
  async show(room: string): Promise<string> {
    const degrees = this.spoke.send<number>('rooms/temperature', room).pipe(
      timeout(1000),
      catchError(() => of('?')),
    );
    return `${room}: ${await lastValueFrom(degrees)}`;
  }

  /** Keeps it in the broker, for displays that start later. */
  async announce(text: string): Promise<void> {
    const record = new SpokeRecord(text, { persist: true });
    await lastValueFrom(this.spoke.emit('display/text', record), { defaultValue: undefined });
  }
}

export function displayModule(connection: SpokeConnectionOptions) {
  @Module({ imports: [SpokeModule.register(connection)], providers: [DisplayService] })
  class DisplayModule {}
  return DisplayModule;
}
