// What a web page uses: the client with its platform.

export { Client } from './client.js';
export type { ClientOptions } from './client.js';
