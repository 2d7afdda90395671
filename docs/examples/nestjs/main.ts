// node main.js [URL]: runs until it is told to stop (SIGINT, SIGTERM), and answers what it has begun.

import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { SpokeStrategy } from 'spoke/nestjs';
import { RoomsModule } from './rooms.js';

const [, , url] = process.argv; // Default: SPOKEHOST and SPOKEPORT, else tcp://localhost:7181
const app = await NestFactory.createMicroservice<MicroserviceOptions>(RoomsModule, {
  strategy: new SpokeStrategy(url === undefined ? {} : { url }),
});
app.enableShutdownHooks();
await app.listen();
console.log('listening');
