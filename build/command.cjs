#!/usr/bin/env node
// A command, as it is installed: runs the file of its name in `compiled/`, with what Node made of it when it was built. The same
// Node need not compile it again, which saves a third of the start; another one does not take it, and compiles.
// docs/decisions/014-start-up.md
'use strict';
const { readFileSync } = require('node:fs');
const { basename, join } = require('node:path');
const { Script } = require('node:vm');

const filename = join(__dirname, 'compiled', basename(__filename));
let cachedData;
try {
  cachedData = readFileSync(`${filename}.cache`);
} catch {
  // It was built where it could not be run.
}
const script = new Script(readFileSync(filename, 'latin1'), { filename, cachedData });
script.runInThisContext()(require);
