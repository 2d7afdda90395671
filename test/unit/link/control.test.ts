// What is believed of a greeting: it comes from anyone.

import { expect, it } from '@jest/globals';

import * as control from '../../../src/link/control.js';

it('takes a heartbeat that is no finite number for none: a codec other than JSON can say such a thing', () => {
  for (const heartbeat of [NaN, Infinity, -Infinity, '1000', null]) {
    expect(control.readGreeting({ nonce: 'n', features: ['heartbeat'], heartbeat })).toEqual({
      nonce: 'n',
      features: ['heartbeat'],
    });
  }
});
