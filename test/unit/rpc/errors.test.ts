// What a procedure throws, as its caller gets it.

import { afterEach, beforeEach, expect, it } from '@jest/globals';

import { SpokeError } from '../../../src/contracts/index.js';
import type { ProvideOptions } from '../../../src/rpc/index.js';
import { RpcError } from '../../../src/rpc/index.js';
import type { Stage } from '../../support/stage.js';
import { memoryStage } from '../../support/stage.js';

let stage: Stage;
beforeEach(() => {
  ({ stage } = memoryStage());
});
afterEach(async () => stage.close());

/** What a call rejects with whose procedure throws. */
async function thrown(error: unknown, options?: ProvideOptions): Promise<unknown> {
  await stage.broker();
  const [provider, caller] = [await stage.client(), await stage.client()];
  await provider.provide('fails', async () => Promise.reject(error as Error), options);
  return caller.call('fails').catch((reason: unknown) => reason);
}

it('an RpcError keeps its code, its message and its data', async () => {
  const error = await thrown(new RpcError('OUT_OF_RANGE', 'too far', { limit: 5, at: [1, 2] }));
  expect(error).toBeInstanceOf(RpcError);
  expect(error).toBeInstanceOf(SpokeError);
  expect(error).toMatchObject({
    code: 'OUT_OF_RANGE',
    message: 'too far',
    data: { limit: 5, at: [1, 2] },
    retryable: false,
    details: { procedure: 'fails' },
  });
});

it('an RpcError without data has none on the other side either', async () => {
  expect(await thrown(new RpcError('BUSY', 'later'))).toMatchObject({ code: 'BUSY', data: undefined });
});

it('a SpokeError keeps its code', async () => {
  expect(await thrown(new SpokeError('STORE_FAILED', 'disk full'))).toMatchObject({
    code: 'STORE_FAILED',
    message: 'disk full',
  });
});

it.each(['NO_PROVIDER', 'PROVIDER_LOST'] as const)(
  '%s of another call is not taken for one of this call',
  async (code) => {
    expect(await thrown(new SpokeError(code, 'nobody provides what it needs'))).toMatchObject({
      code: 'REMOTE',
      message: 'nobody provides what it needs',
    });
  },
);

it('anything else is its text, with the code REMOTE, and never a stack', async () => {
  const error = await thrown(new RangeError('too much'));
  expect(error).toBeInstanceOf(RpcError);
  expect(error).toMatchObject({ code: 'REMOTE', message: 'too much', data: undefined });
});

it('unless it is asked for: then the stack is in its data', async () => {
  const failure = new RangeError('too much');
  expect(await thrown(failure, { stack: true })).toMatchObject({ message: 'too much', data: { stack: failure.stack } });
});

it('peers get the text as they always did, and see code and data beside it', async () => {
  await stage.broker();
  const provider = await stage.client();
  await provider.provide('fails', () => {
    throw new RpcError('OUT_OF_RANGE', 'too far', 5);
  });
  const peer = await stage.raw();
  peer.subscribe('fails/-rpc/peer/1/result');
  peer.publish('fails/-rpc/peer/1/call', 'null');
  expect((await peer.next()).body).toEqual({ error: 'too far', code: 'OUT_OF_RANGE', data: 5 });
});

it('data that cannot be sent is no reason to leave the caller without an answer', async () => {
  const cycle: unknown[] = [];
  cycle.push(cycle);
  expect(await thrown(new RpcError('BAD', 'data', cycle))).toMatchObject({
    code: 'REMOTE',
    message: expect.stringContaining('the result cannot be sent'),
  });
});
