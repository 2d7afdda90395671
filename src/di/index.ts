// Broker and client in an inversify container: the only room that knows of containers.

export { createContainer } from './container.js';
export { Handlers, providerOf, subscriberOf } from './handlers/index.js';
export type { AnyHandler, AnyProcedure, HandlersOptions, MethodOptions, SubscriberOptions } from './handlers/index.js';
export { spokeModule } from './module.js';
export type { BridgeSettings, ProxySettings, SpokeOptions } from './options.js';
export { TOKENS } from './tokens.js';
export type { Tokens } from './tokens.js';
