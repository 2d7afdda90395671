// A broker as a program of its own, from a built package: node spoke-process.js DIST_FOLDER

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Spoke from '../../../src/index.js';
import { ready, untilTold } from './until-told.js';

const { Broker }: typeof Spoke = await import(pathToFileURL(join(process.argv[2] ?? 'dist', 'index.js')).href);
const broker = await Broker.start({ listen: 'tcp://127.0.0.1:0' });
ready(broker.addresses[0]?.replace(/.*:/, ''));
await untilTold();
await broker.close();
