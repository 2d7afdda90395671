/** What `spoke-bench` sends, counts and combines. */
import { expect, test } from '@jest/globals';

import {
  clockFrom,
  FIRST_NUMBER,
  LEAST_PAYLOAD,
  padding,
  readBody,
  UNMEASURED,
} from '../../../../src/cli/bench/body.js';
import { Latencies } from '../../../../src/cli/bench/latency.js';
import { sweep } from '../../../../src/cli/bench/trial.js';

test.each([LEAST_PAYLOAD, 128, 65_536])(
  'a body of %d bytes has so many as JSON, whatever its number and time',
  (bytes) => {
    const now = clockFrom(process.hrtime.bigint());
    for (const [n, at] of [
      [FIRST_NUMBER, UNMEASURED],
      [FIRST_NUMBER + 123_456_789, now()],
    ] as const) {
      const text = JSON.stringify({ n, at, pad: padding(bytes) });
      expect(text).toHaveLength(bytes);
      expect(readBody(JSON.parse(text))).toMatchObject({ n, at });
    }
  },
);

test.each([null, 5, {}, { n: 1, at: 'noon', pad: '' }])('%j is no body of its own', (value) => {
  expect(() => readBody(value)).toThrow('a message came that spoke-bench did not send');
});

test('latencies are quantiles in milliseconds, of what came since they were last taken', () => {
  const latencies = new Latencies();
  for (let i = 1; i <= 1000; i++) latencies.record(i * 1e6);
  const { messages, p50, p99, p999, max } = latencies.take();
  expect(messages).toBe(1000);
  for (const [measured, exact] of [
    [p50, 500],
    [p99, 990],
    [p999, 999],
    [max, 1000],
  ] as const) {
    expect(Math.abs(measured - exact) / exact).toBeLessThan(0.002);
  }
  expect(latencies.take().messages).toBe(0);
});

test('a sweep is every workload with every payload and every number of connections', () => {
  expect(sweep(['pub-sub', 'rpc'], [64, 128], [1, 10])).toHaveLength(8);
  expect(sweep(['pub-sub', 'fan-out'], [128], undefined)).toEqual([
    { workload: 'pub-sub', payload: 128, connections: 1 },
    { workload: 'fan-out', payload: 128, connections: 10 },
  ]);
});
