// What a broker does: it reads a head, passes the body on as the bytes it came in, and stamps a time.

import assert from 'node:assert/strict';
import { assertMessage, concat } from './desk.js';
import type { BrokerDesk, Sentence } from './desk.js';
import { summarize } from './streams.js';
import { COMMON_VALUES, ODD_FIELDS } from './values.js';

const NOW = 1795344144.659854;

export function forwardingSentences(it: Sentence, desk: () => BrokerDesk): void {
  it('forwards a body byte for byte, and forwarding again changes nothing', () => {
    const here = desk();
    const reader = here.reader();
    for (const value of [...COMMON_VALUES, ...(here.options.values ?? [])]) {
      const payload = here.payload({ channel: 'a/b' }, value);
      const sent = here.read(payload, reader);
      const once = here.unframe(here.forward(reader.read(payload, 0, payload.length), NOW));
      const message = here.read(once, reader);
      assert.equal(message.rawBody, sent.rawBody);
      assert.deepEqual(message.body, value);
      assert.equal(message.time, NOW);
      const twice = here.unframe(here.forward(reader.read(once, 0, once.length), NOW + 1));
      assert.deepEqual(twice, once);
    }
  });

  it('adds a time when there is none, and keeps one that is given', () => {
    const here = desk();
    const reader = here.reader();
    for (const time of [NOW, NOW, 0, 1.5, -1, 1e21, 1e-7, 4294967295.999999, 12_345_678_901]) {
      const bare = here.payload({ channel: 'a' }, 1);
      assert.equal(here.read(here.unframe(here.forward(reader.read(bare, 0, bare.length), time))).time, time);
      const timed = here.payload({ channel: 'a', time }, 1);
      assert.equal(here.read(here.unframe(here.forward(reader.read(timed, 0, timed.length), NOW + 1))).time, time);
    }
  });

  it('removes bounce, and keeps persist and every other key', () => {
    const here = desk();
    const reader = here.reader();
    for (const time of [undefined, NOW - 5]) {
      const payload = here.payload({ channel: '/a//b', bounce: false, persist: true, time, fields: ODD_FIELDS }, ['x']);
      const view = reader.read(payload, 0, payload.length);
      assert.equal(view.head.bounce, false);
      const message = here.read(here.unframe(here.forward(view, NOW)));
      assertMessage(message, { channel: 'a/b', persist: true, time: time ?? NOW, fields: ODD_FIELDS, body: ['x'] });
    }
  });

  it('removes an id, tells it, and writes the one that it is given', () => {
    const here = desk();
    const reader = here.reader();
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`key ${i}`, i]));
    const big = 'x'.repeat(300_000);
    for (const [time, fields, body] of [
      [undefined, {}, [1]],
      [NOW - 5, ODD_FIELDS, 'ä'],
      [NOW - 5, many, big],
      [undefined, {}, null],
    ] as const) {
      const expected = { channel: 'a/b', persist: true, time: time ?? NOW, fields, body };
      const given = { channel: 'a/b', persist: true, bounce: false, time, fields, id: 'o"ä:7' };
      const payload = here.payload(given, body);
      const view = reader.read(payload, 0, payload.length);
      assert.equal(view.id, 'o"ä:7');
      const without = here.read(here.unframe(here.forward(view, NOW)));
      assertMessage(without, expected);
      assert.equal(without.id, undefined);
      const other = here.read(here.unframe(here.forward(reader.read(payload, 0, payload.length), NOW, 'p:1')));
      assertMessage(other, expected);
      assert.equal(other.id, 'p:1');
      // Also for a message that comes without any.
      const plain = here.payload({ channel: 'a/b', persist: true, time, fields }, body);
      const named = here.read(here.unframe(here.forward(reader.read(plain, 0, plain.length), NOW, 'p:2')));
      assertMessage(named, expected);
      assert.equal(named.id, 'p:2');
    }
  });

  it('tells the ids of messages that differ in nothing else, wherever in the head they stand', () => {
    const here = desk();
    const reader = here.reader();
    for (const elsewhere of [false, true]) {
      for (const time of [undefined, NOW - 5]) {
        for (let n = 1; n < 40; n++) {
          // Now and then one that has none.
          const id = n % 7 === 0 ? undefined : `origin-${n % 3}:${'9'.repeat(n)}`;
          const named = elsewhere ? { fields: { ...ODD_FIELDS, '-id': id } } : { fields: ODD_FIELDS, id };
          const payload = here.payload({ channel: 'a/b', time, ...named }, n);
          const view = reader.read(payload, 0, payload.length);
          assert.equal(view.id, id);
          assert.equal(view.time, time);
          const expected = { channel: 'a/b', time: time ?? NOW, fields: ODD_FIELDS, body: n };
          assertMessage(here.read(here.unframe(here.forward(view, NOW))), expected);
          const same = here.read(here.unframe(here.forward(reader.read(payload, 0, payload.length), NOW, id ?? 'x:1')));
          assertMessage(same, expected);
          assert.equal(same.id, id ?? 'x:1');
        }
      }
    }
  });

  it('forwards a copy for a member of a group, which is told so whatever the head said of it', () => {
    const here = desk();
    const reader = here.reader();
    for (const fields of [{}, ODD_FIELDS, { '-group': 'somebody/else', a: 1 }]) {
      for (const [group, id, time, given, persist] of [
        ['abc/default', undefined, undefined, undefined, false],
        ['abc/default', undefined, NOW - 5, undefined, false],
        ['abc/default', undefined, NOW - 5, 'o:7', true],
        ['abc/default', 'p:1', undefined, undefined, false],
        ['abc/ä"\\', 'p:1', NOW - 5, 'o:7', false],
        [`abc/${'g'.repeat(300)}`, undefined, undefined, undefined, true],
      ] as const) {
        const head = { channel: 'a/-rpc/b/17/call', time, fields, id: given, bounce: !persist, persist };
        for (const body of [{ a: [1] }, null]) {
          const payload = here.payload(head, body);
          const frame = here.forward(reader.read(payload, 0, payload.length), NOW, id, group);
          const message = here.read(here.unframe(frame));
          const expected = { ...fields, '-group': group };
          assertMessage(message, { channel: head.channel, time: time ?? NOW, persist, fields: expected, body });
          assert.equal(message.id, id);
          // And on, without anything more.
          const again = here.unframe(frame);
          const plain = here.read(here.unframe(here.forward(reader.read(again, 0, again.length), NOW)));
          assertMessage(plain, { channel: head.channel, time: time ?? NOW, persist, fields: expected, body });
        }
      }
    }
  });

  it('forwards a body byte for byte under another head', () => {
    const here = desk();
    const reader = here.reader();
    const head = { channel: 'x/y', persist: true, bounce: false, id: 'p:3', time: NOW, fields: ODD_FIELDS };
    for (const value of [...COMMON_VALUES, ...(here.options.values ?? [])]) {
      const payload = here.payload({ channel: 'a', id: 'o:1', time: NOW - 1, fields: { gone: true } }, value);
      const { rawBody } = here.read(payload);
      const message = here.read(here.unframe(here.forwardWith(head, reader.read(payload, 0, payload.length))));
      assertMessage(message, { ...head, body: value });
      assert.equal(message.id, 'p:3');
      assert.equal(message.rawBody, rawBody);
      const bare = here.read(here.unframe(here.forwardWith({ channel: 'b' }, reader.read(payload, 0, payload.length))));
      assertMessage(bare, { channel: 'b', body: value });
      assert.equal(bare.id, undefined);
    }
  });

  it('takes an id that is no text for none, and passes it on to nobody', () => {
    const here = desk();
    const reader = here.reader();
    for (const id of [1, null, ['x'], { a: 'x' }, true]) {
      const payload = here.payload({ channel: 'a', fields: { '-id': id } }, 1);
      const view = reader.read(payload, 0, payload.length);
      assert.equal(view.id, undefined);
      assertMessage(here.read(here.unframe(here.forward(view, NOW))), { channel: 'a', time: NOW, body: 1 });
    }
  });

  it('forwards a channel in its canonical form', () => {
    const here = desk();
    const reader = here.reader();
    const payload = here.payload({ channel: '//ä/"/' }, null);
    const forwarded = here.unframe(here.forward(reader.read(payload, 0, payload.length), NOW));
    assertMessage(here.read(forwarded), { channel: 'ä/"', time: NOW });
  });

  it('forwards to another reader what that one can forward in turn, all in one stream', () => {
    const here = desk();
    const reader = here.reader();
    const frames: Uint8Array[] = [];
    const expected: string[] = [];
    for (let i = 0; i < 200; i++) {
      const head = { channel: `a/${i % 7}`, ...(i % 3 === 0 && { time: NOW + i / 7 }), persist: i % 5 === 0 };
      const payload = here.payload(head, { i, text: 'y'.repeat(i) });
      const frame = here.forward(reader.read(payload, 0, payload.length), NOW - i);
      frames.push(frame);
      expected.push(summarize(here.read(here.unframe(frame))));
    }
    assert.deepEqual(here.readAll([concat(frames)]).map(summarize), expected);
  });

  it('forwards what came between other bytes', () => {
    const here = desk();
    const reader = here.reader();
    const payload = here.payload({ channel: 'a/b', fields: { n: 1 } }, { text: 'x'.repeat(300) });
    const plain = here.forward(reader.read(payload, 0, payload.length), NOW);
    for (const before of [1, 7, 64, 1000]) {
      const around = concat([new Uint8Array(before).fill(0x7d), payload, new Uint8Array(50).fill(0x22)]);
      // A view into a bigger buffer, and positions that do not begin at 0.
      const bytes = around.subarray(1);
      const view = reader.read(bytes, before - 1, before - 1 + payload.length);
      assert.deepEqual(here.forward(view, NOW), plain);
    }
  });

  it('forwards other valid layouts', () => {
    const here = desk();
    const reader = here.reader();
    for (const layout of here.options.layouts ?? []) {
      for (let i = 0; i < 3; i++) {
        const view = reader.read(layout.payload, 0, layout.payload.length);
        const forwarded = here.read(here.unframe(here.forward(view, NOW)));
        assertMessage(forwarded, { ...layout, time: layout.time ?? NOW, bounce: true });
      }
    }
  });
}
