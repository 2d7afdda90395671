import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { SpokeStrategy } from 'spoke/nestjs';
import type { MemoryNetwork } from 'spoke/testing';
import { memoryNetwork } from 'spoke/testing';
import { DisplayService, displayModule } from './display.js';
import { RoomsModule } from './rooms.js';

let net: MemoryNetwork;
let service: INestApplicationContext;
let display: INestApplicationContext;

const connection = (name: string) => ({
  url: 'memory://broker-1',
  transports: [net.transport(name)],
  clock: net.clock,
});

beforeEach(async () => {
  net = memoryNetwork();
  await net.broker();
  const strategy = new SpokeStrategy(connection('rooms'));
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(RoomsModule, { strategy, logger: false });
  await app.listen();
  service = app;
  display = await NestFactory.createApplicationContext(displayModule(connection('display')), { logger: false });
});

afterEach(async () => {
  await net.until(display.close());
  await net.until(service.close());
  await net.close();
});

describe('a display', () => {
  it('shows what the rooms service knows', async () => {
    expect(await display.get(DisplayService).show('kitchen')).toBe('kitchen: 19');
    expect(await display.get(DisplayService).show('cellar')).toBe('cellar: ?');
  });

  it('shows what a sensor has told that knows nothing of Nest', async () => {
    const sensor = await net.client();
    await sensor.publish('sensors/cellar/temp', 11);
    await net.idle();
    expect(await display.get(DisplayService).show('cellar')).toBe('cellar: 11');
  });

  it('leaves its text in the broker', async () => {
    await display.get(DisplayService).announce('good morning');
    const late = await net.client();
    expect(await late.kept.get('display/text')).toMatchObject({ body: 'good morning' });
  });
});
