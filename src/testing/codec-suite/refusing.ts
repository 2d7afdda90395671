// What is malformed or too much is refused, with an error that says so, and harms nobody else.

import assert from 'node:assert/strict';
import { assertMessage, assertRefused, concat } from './desk.js';
import type { Desk, Sentence } from './desk.js';

export function refusingSentences(it: Sentence, desk: () => Desk): void {
  it('refuses every malformed payload, and reads on', () => {
    const here = desk();
    const reader = here.reader();
    const good = here.payload({ channel: 'a/b', time: 1795344144.5 }, [1]);
    for (const { what, payload, code = 'MALFORMED' } of here.options.malformed) {
      // Twice, and with a good one before and after: what is remembered of one message must not reach the next.
      for (let i = 0; i < 3; i++) {
        assertMessage(here.read(good, reader), { channel: 'a/b', time: 1795344144.5, body: [1] });
        assertRefused(() => assert.fail(`took ${what}: ${JSON.stringify(here.read(payload, reader).body)}`), code);
      }
    }
    assertMessage(here.read(good, reader), { channel: 'a/b', time: 1795344144.5, body: [1] });
  });

  it('loses no message of a stream that has malformed ones in it', () => {
    const here = desk();
    const good = here.encode({ channel: 'a' }, 1);
    const frames = here.options.malformed.flatMap(({ payload }) => [here.options.frame(payload), good]);
    const reader = here.reader();
    let taken = 0;
    let refused = 0;
    here.feed([concat(frames)], (bytes, start, end) => {
      try {
        reader.read(bytes, start, end);
        taken++;
      } catch {
        refused++;
      }
    });
    assert.equal(taken, here.options.malformed.length);
    assert.equal(refused, here.options.malformed.length);
  });

  it('takes other valid layouts', () => {
    const here = desk();
    const reader = here.reader();
    for (const layout of here.options.layouts ?? []) {
      for (let i = 0; i < 3; i++) assertMessage(here.read(layout.payload, reader), layout);
    }
  });

  it('refuses a message that ends too early, whatever bytes follow it', () => {
    const here = desk();
    const payload = here.payload({ channel: 'a/b', persist: true, fields: { n: [1, 'x'] } }, { x: [1.5, true, 'ä'] });
    for (const reader of [here.reader(), warm(here, payload)]) {
      for (let end = 0; end < payload.length; end++) {
        assertRefused(() => reader.read(payload, 0, end), 'MALFORMED');
        const cut = payload.slice(0, end);
        assertRefused(() => reader.read(cut, 0, end), 'MALFORMED');
      }
      assertMessage(here.read(payload, reader), {
        channel: 'a/b',
        persist: true,
        fields: { n: [1, 'x'] },
        body: { x: [1.5, true, 'ä'] },
      });
    }
  });

  it('keeps heads intact when the memory they were read from is used again', () => {
    const here = desk();
    const reader = here.reader();
    const memory = new Uint8Array(1000);
    const heads = Array.from({ length: 50 }, (_, i) => {
      const payload = here.payload({ channel: `channel/${i % 10}`, fields: { index: i % 10, list: ['x'] } }, i);
      memory.fill(0x22).set(payload);
      return reader.read(memory, 0, payload.length).head;
    });
    memory.fill(0x7b);
    heads.forEach((head, i) => {
      assert.equal(head.channel, `channel/${i % 10}`);
      assert.deepEqual({ ...head.fields() }, { channel: `channel/${i % 10}`, index: i % 10, list: ['x'] });
    });
  });

  it('does not let a receiver change what others are told of the same head', () => {
    const here = desk();
    const reader = here.reader();
    const payload = here.payload({ channel: 'a', fields: { list: [1] } }, 1);
    for (let i = 0; i < 4; i++) {
      const fields = reader.read(payload, 0, payload.length).head.fields();
      assert.deepEqual({ ...fields }, { channel: 'a', list: [1] });
      try {
        Reflect.set(fields, 'channel', 'b');
        const list = fields['list'];
        if (Array.isArray(list)) list.push(2);
      } catch {
        // Frozen: as good as a copy of its own.
      }
    }
  });
}

/** A reader that has seen this message before. */
function warm(desk: Desk, payload: Uint8Array): ReturnType<Desk['reader']> {
  const reader = desk.reader();
  for (let i = 0; i < 3; i++) reader.read(payload, 0, payload.length);
  return reader;
}
