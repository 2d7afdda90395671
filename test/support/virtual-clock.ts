// The clock that users of `spoke/testing` have, for our own tests.

export { VirtualClock } from '../../src/testing/network/virtual-clock.js';
