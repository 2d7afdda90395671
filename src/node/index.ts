// What a Node program uses: the client with its platform, the simple and the synchronous functions.

export { Client } from './client.js';
export type { ClientOptions } from './client.js';
export { defaultCodecs, defaultTransports } from './defaults.js';
export { call, publish } from './simple.js';
export type { OneShotCallOptions, OneShotPublishOptions } from './simple.js';
export { callSync, publishSync } from './sync.js';
export type { SyncCallOptions, SyncConnection, SyncPublishOptions } from './sync-messages.js';
export { wait } from './wait.js';
