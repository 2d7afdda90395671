// The contracts of Codec, MessageReader and Framing as tests (src/contracts/codec.ts, framing.ts). A new codec proves itself
// with it in a few lines:
//
//   codecSuite({ describe, it }, 'cbor', () => new CborCodec(), { frame, malformed, foreign: [Uint8Array.of(0x7b)] });

import type { ClientCodec, Codec } from '../contracts/index.js';
import type { ClientCodecSuiteOptions, CodecSuiteOptions, Sentence } from './codec-suite/desk.js';
import { BrokerDesk, Desk, sentences } from './codec-suite/desk.js';
import { forwardingSentences } from './codec-suite/forwarding.js';
import { guardingSentences } from './codec-suite/guarding.js';
import { oddValueSentences } from './codec-suite/odd-values.js';
import { refusingSentences } from './codec-suite/refusing.js';
import { streamSentences } from './codec-suite/streams.js';
import { valueSentences } from './codec-suite/values.js';
import type { Runner } from './transport-suite.js';

export type { BadPayload, ClientCodecSuiteOptions, CodecSuiteOptions, OtherLayout } from './codec-suite/desk.js';

/**
 * Defines the tests that every codec must pass.
 * @param runner - `describe` and `it` of the test runner in use.
 * @param name - of the codec, for the titles.
 * @param makeCodec - called once for each test.
 * @param options - what the suite cannot know: above all, what is malformed in this format.
 */
export function codecSuite(runner: Runner, name: string, makeCodec: () => Codec, options: CodecSuiteOptions): void {
  const it = sentences(runner);
  const desk = (): BrokerDesk => new BrokerDesk(makeCodec(), options);
  runner.describe(`${name} codec`, () => {
    clientSentences(runner, it, desk);
    runner.describe('forwarding', () => forwardingSentences(it, desk));
    runner.describe('guarding', () => guardingSentences(it, desk));
  });
}

/** As `codecSuite`, for a codec of clients, which need not forward, nor recognise its streams, nor hold messages to limits. */
export function clientCodecSuite(
  runner: Runner,
  name: string,
  makeCodec: () => ClientCodec,
  options: ClientCodecSuiteOptions,
): void {
  const desk = (): Desk => new Desk(makeCodec(), options);
  runner.describe(`${name} codec`, () => clientSentences(runner, sentences(runner), desk));
}

function clientSentences(runner: Runner, it: Sentence, desk: () => Desk): void {
  runner.describe('values', () => valueSentences(it, desk));
  runner.describe('odd values', () => oddValueSentences(it, desk));
  runner.describe('streams', () => streamSentences(it, desk));
  runner.describe('refusing', () => refusingSentences(it, desk));
}
