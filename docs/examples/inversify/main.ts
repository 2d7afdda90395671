// node main.js: runs until it is told to stop (SIGINT, SIGTERM), and answers what it has begun.

import { Handlers, wait } from 'spoke';
import { heatingContainer } from './heating.js';

const container = heatingContainer({}); // SPOKEHOST and SPOKEPORT, else tcp://localhost:7181
const handlers = await container.getAsync(Handlers);
console.log(`providing ${handlers.providers.join(', ')}`);
await wait();
await container.unbindAllAsync();
