// The contract of Transport, Listener and Connection as tests (src/contracts/transport.ts, connection.ts). A new transport
// proves itself with it in a few lines:
//
//   transportSuite({ describe, it }, 'serial', () => ({ transport: new SerialTransport(), newUrl: () => 'serial://loop' }));

import { endingScenarios } from './transport-suite/ending.js';
import { faultScenarios } from './transport-suite/faults.js';
import { flowScenarios } from './transport-suite/flow.js';
import { lifeCycleScenarios } from './transport-suite/life-cycle.js';
import { openingScenarios } from './transport-suite/opening.js';
import type { MakeSetup, Runner } from './transport-suite/stage.js';
import { scenarios } from './transport-suite/stage.js';
import { transferScenarios } from './transport-suite/transfer.js';

export type { MakeSetup, Runner, TransportSetup } from './transport-suite/stage.js';

/**
 * Defines the tests that every transport must pass. Nothing in them sleeps; a wait in vain fails after eight seconds
 * and says what did not happen.
 * @param runner - `describe` and `it` of the test runner in use.
 * @param name - of the transport, for the titles.
 * @param makeSetup - called once for each test.
 */
export function transportSuite(runner: Runner, name: string, makeSetup: MakeSetup): void {
  const scenario = scenarios(runner, makeSetup);
  const section = (title: string, define: () => void) => runner.describe(title, define);
  runner.describe(`${name} transport`, () => {
    section('opening', () => openingScenarios(scenario));
    section('life cycle', () => lifeCycleScenarios(scenario));
    section('transfer', () => transferScenarios(scenario));
    section('flow control', () => flowScenarios(scenario));
    section('ending', () => endingScenarios(scenario));
    section('faults', () => faultScenarios(scenario));
  });
}
