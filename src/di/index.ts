// Broker and client in an inversify container: the only room that knows of containers.

export { createContainer } from './container.js';
export { spokeModule } from './module.js';
export type { BridgeSettings, ProxySettings, SpokeOptions } from './options.js';
export { TOKENS } from './tokens.js';
export type { Tokens } from './tokens.js';
