// `spoke/nestjs`: a transporter for NestJS microservices (docs/guide/nestjs.md).

export { SpokeClient } from './client.js';
export type { SpokeClientEvents } from './client.js';
export type { SpokeConnectionOptions } from './connection.js';
export { SpokeContext } from './context.js';
export { SpokeModule } from './module.js';
export type { SpokeModuleAsyncOptions, SpokeModuleOptions } from './module.js';
export { SpokeRecord } from './record.js';
export type { SpokeRecordOptions } from './record.js';
export { SpokeStrategy } from './strategy.js';
export type { SpokeStrategyOptions } from './strategy.js';
