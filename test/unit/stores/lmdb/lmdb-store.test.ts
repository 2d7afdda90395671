import { randomFillSync } from 'node:crypto';
import { chmod, copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { StoredMessage } from '../../../../src/contracts/index.js';
import { LmdbStore, storeAt } from '../../../../src/stores/index.js';
import { dataPath, openEnvironment } from '../../../../src/stores/lmdb/environment.js';
import { TemporaryFolder } from '../../../support/temporary-folder.js';

let folder: TemporaryFolder;
const open = new Set<LmdbStore>();
beforeEach(async () => {
  folder = await TemporaryFolder.make();
});
afterEach(async () => {
  for (const store of open) await store.close();
  open.clear();
  await folder[Symbol.asyncDispose]();
});

async function opened(path = folder.path): Promise<LmdbStore> {
  const store = new LmdbStore(path);
  open.add(store);
  await store.open();
  return store;
}

async function refusal(path = folder.path): Promise<{ code: string; message: string }> {
  return opened(path).then(
    () => ({ code: 'none', message: 'it was opened' }),
    (error) => error,
  );
}

function message(channel: string, size = 100, time = 1): StoredMessage {
  return { channel, time, codec: 'json', frame: new Uint8Array(size).fill(65) };
}

/** A folder with some hundred messages, long ones among them, written in several transactions. */
async function filled(): Promise<string> {
  const store = await opened();
  for (let round = 0; round < 5; round++) {
    const writes = Array.from({ length: 300 }, async (_, n) => {
      if (n % 7 === round) return store.delete(`some/channel/${n}`);
      return store.put(message(`some/channel/${n}`, n % 50 === 0 ? 20_000 : 200, round));
    });
    await Promise.all(writes);
  }
  await store.close();
  return dataPath(folder.path);
}

describe('a store on LMDB', () => {
  it('makes its folder, and those above it', async () => {
    const path = join(folder.path, 'a', 'b', 'c');
    const store = await opened(path);
    await store.put(message('x'));
    await store.close();
    expect((await opened(path)).size).toBe(1);
  });

  it('keeps no more of the disk than its messages need, however often they change', async () => {
    const store = await opened();
    for (let round = 0; round < 40; round++) {
      await Promise.all(Array.from({ length: 50 }, async (_, n) => store.put(message(`c/${n}`, 1000, round))));
    }
    await store.close();
    expect((await readFile(dataPath(folder.path))).length).toBeLessThan(1_000_000);
  });

  it('is found by its URL', async () => {
    const store = storeAt(`lmdb:${folder.path}`);
    expect(store).toBeInstanceOf(LmdbStore);
    await store.open();
    await store.close();
    expect(() => storeAt('lmdb:')).toThrow(expect.objectContaining({ code: 'ADDRESS_INVALID' }));
    expect(() => storeAt('sqlite:x')).toThrow(expect.objectContaining({ code: 'UNKNOWN_SCHEME' }));
    expect(() => storeAt('data')).toThrow(expect.objectContaining({ code: 'UNKNOWN_SCHEME' }));
    expect(() => new LmdbStore('')).toThrow(TypeError);
  });

  it('takes writes from every side at once, and has them all afterwards', async () => {
    const store = await opened();
    const expected = new Map<string, number>();
    const writes: Promise<void>[] = [];
    for (let n = 0; n < 3000; n++) {
      const channel = `c/${n % 700}`;
      if (n % 11 === 0) {
        writes.push(store.delete(channel) ?? Promise.resolve());
        expected.delete(channel);
      } else {
        writes.push(store.put(message(channel, 50, n)));
        expected.set(channel, n);
      }
      if (n % 100 === 0) await writes.at(-50);
    }
    await Promise.all(writes);
    const order = store.match('**').map(({ channel }) => channel);
    await store.close();
    const again = await opened();
    expect(again.match('**').map(({ channel }) => channel)).toEqual(order);
    expect(new Map(again.match('**').map(({ channel, time }) => [channel, time]))).toEqual(expected);
  });
});

describe('a folder', () => {
  it('is for one store at a time, by whatever path', async () => {
    const other = join(folder.path, 'link');
    const path = join(folder.path, 'data');
    await mkdir(path);
    await symlink(path, other);
    const store = await opened(path);
    await store.put(message('x'));
    for (const way of [path, other]) {
      expect(await refusal(way)).toMatchObject({ code: 'STORE_FAILED', message: expect.stringContaining('in use') });
    }
    // The one that has it goes on.
    await store.put(message('y'));
    await store.close();
    expect((await opened(other)).size).toBe(2);
  });

  // Root may write everywhere.
  (process.getuid?.() === 0 ? it.skip : it)('that may not be written is refused, with the reason', async () => {
    await chmod(folder.path, 0o500);
    expect(await refusal()).toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('permission denied: it has to be readable and writable'),
    });
  });

  it('that cannot be made or is none is refused, with the reason', async () => {
    const file = join(folder.path, 'file');
    await writeFile(file, 'x');
    for (const path of [file, join(file, 'below'), '/proc/spoke-store']) {
      expect(await refusal(path)).toMatchObject({ code: 'STORE_FAILED', message: expect.stringContaining(path) });
    }
  });
});

describe('a file that is no store', () => {
  it.each([
    ['a text', Buffer.from('hello world\n'.repeat(1000))],
    ['a few bytes', Buffer.from('x')],
    ['zeros', Buffer.alloc(100_000)],
    ['noise', randomFillSync(Buffer.alloc(100_000))],
    ['of another program', Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(8192)])],
  ])('%s is refused, and left as it is', async (_, content) => {
    await writeFile(dataPath(folder.path), content);
    expect(await refusal()).toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('no store of spoke'),
    });
    expect((await readFile(dataPath(folder.path))).equals(content)).toBe(true);
  });

  it('a database of LMDB with something else in it is refused, and left as it is', async () => {
    const environment = await openEnvironment(folder.path);
    await environment.commit([[Buffer.from('12345678'), Buffer.from('x')]]);
    await environment.close();
    const before = await readFile(dataPath(folder.path));
    expect(await refusal()).toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('no store of spoke'),
    });
    expect((await readFile(dataPath(folder.path))).equals(before)).toBe(true);
  });
});

describe('a damaged file', () => {
  it.each([1, 5000, 8192, 20_000])('that was cut off after %d bytes is refused', async (length) => {
    const path = await filled();
    await writeFile(path, (await readFile(path)).subarray(0, length));
    expect(await refusal()).toMatchObject({ code: 'STORE_FAILED', message: expect.stringContaining('damaged') });
  });

  it('is refused wherever a message was changed, and nothing else comes of it', async () => {
    const path = await filled();
    const sound = await readFile(path);
    for (let n = 1; n < 300; n += 23) {
      const at = sound.indexOf(`some/channel/${n}`);
      if (at < 0) continue;
      const damaged = Buffer.from(sound);
      damaged[at + 5] = 0x21;
      await writeFile(path, damaged);
      const { code, message: text } = await refusal();
      // Or else these are bytes of a page that is free.
      expect([code, text.includes('damaged')]).toEqual(code === 'none' ? ['none', false] : ['STORE_FAILED', true]);
      for (const store of open) await store.close();
    }
  });

  it('never ends the process, whatever page of it was lost', async () => {
    const path = await filled();
    const kept = join(folder.path, 'kept');
    await copyFile(path, kept);
    const sound = await readFile(kept);
    let refused = 0;
    for (let page = 0; page < sound.length / 4096; page += 3) {
      const damaged = Buffer.from(sound).fill(0, page * 4096, (page + 1) * 4096);
      await writeFile(path, damaged);
      const { code } = await refusal();
      if (code === 'STORE_FAILED') refused++;
      for (const store of open) await store.close();
      open.clear();
    }
    expect(refused).toBeGreaterThan(5);
  });
});
