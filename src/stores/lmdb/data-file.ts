// Looks at LMDB's file before LMDB does. LMDB trusts what it maps into memory: a foreign, damaged or cut-off file ends the
// whole process by a signal, where a broker should say what is wrong (docs/decisions/007-durable-store.md).

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

import { SpokeError } from '../../contracts/index.js';
import { codeOf } from './failures.js';
import type { Complain, Entry, Tree } from './pages.js';
import { Pages } from './pages.js';

// The file of lmdb 3.x on a little-endian machine: pages of one size. The first two are beginnings, of which the one with
// the later transaction counts; it has two trees, one of free pages and one of data.
const MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;
const META_BYTES = 168;
const META_PAGE = 0x08;
const NO_PAGE = 2n ** 64n - 1n;
const MAX_PAGES = 2 ** 32;

interface Meta {
  readonly pageSize: number;
  readonly lastPage: number;
  readonly transaction: bigint;
  readonly free: Tree;
  readonly data: Tree;
}

/**
 * Checks that a file is a whole LMDB database such as a store writes, down to its records, whose content it leaves to their
 * reader. An empty file, or none, is a database that is still to be made.
 * @throws {SpokeError} `STORE_FAILED`
 */
export function checkDataFile(path: string): void {
  const complain: Complain = (what) => {
    const text = `${path} is damaged, or no store of spoke: ${what}; move it away to begin anew, or bring back a copy`;
    throw new SpokeError('STORE_FAILED', text, { details: { path } });
  };
  let file;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) complain('it is no file');
    if (stat.size > 0) checkTrees(file, complain);
  } finally {
    closeSync(file);
  }
}

function checkTrees(file: number, complain: Complain): void {
  const first = readMeta(file, 0, complain);
  const second = readMeta(file, first.pageSize, complain);
  const { pageSize, lastPage, free, data } = first.transaction > second.transaction ? first : second;
  if (second.pageSize !== first.pageSize || !(lastPage > 0 && lastPage < MAX_PAGES))
    complain('its beginning is damaged');
  const pages = new Pages(file, pageSize, lastPage, complain);
  const lists: Buffer[] = [];
  pages.walk(free, (entry) => lists.push(contentOf(entry, pages)));
  let last: Buffer | undefined;
  pages.walk(data, ({ key }) => {
    if (last !== undefined && Buffer.compare(last, key) >= 0) complain('its records are out of order');
    last = Buffer.from(key);
  });
  for (const list of lists) checkFreeList(list, pages, complain);
}

function readMeta(file: number, at: number, complain: Complain): Meta {
  const bytes = Buffer.alloc(META_BYTES);
  const read = readSync(file, bytes, 0, META_BYTES, at);
  if (read < META_BYTES || bytes.readUInt16LE(18) !== META_PAGE || bytes.readUInt32LE(24) !== MAGIC) {
    complain('it does not begin like a database');
  }
  if (bytes.readUInt32LE(28) !== DATA_VERSION) complain('it was made by another version of LMDB');
  const pageSize = bytes.readUInt32LE(48);
  if (pageSize < 256 || pageSize > 65_536 || (pageSize & (pageSize - 1)) !== 0) complain('its beginning is damaged');
  return {
    pageSize,
    lastPage: Number(bytes.readBigUInt64LE(144)),
    transaction: bytes.readBigUInt64LE(152),
    free: readTree(bytes, 48),
    data: readTree(bytes, 96),
  };
}

function readTree(bytes: Buffer, at: number): Tree {
  const count = (offset: number) => Number(bytes.readBigUInt64LE(at + offset));
  return {
    depth: bytes.readUInt16LE(at + 6),
    branchPages: count(8),
    leafPages: count(16),
    overflowPages: count(24),
    entries: count(32),
    root: bytes.readBigUInt64LE(at + 40) === NO_PAGE ? undefined : count(40),
  };
}

function contentOf({ inline, page, bytes }: Entry, pages: Pages): Buffer {
  return inline === undefined ? pages.bytes(page, bytes) : Buffer.from(inline);
}

/** A list of free pages: its length, then pages; a negative number is how many pages the next one stands for. */
function checkFreeList(list: Buffer, pages: Pages, complain: Complain): void {
  const length = list.length < 8 ? NaN : Number(list.readBigInt64LE(0));
  if (!(length >= 0 && (length + 1) * 8 <= list.length)) complain('a list of free pages is damaged');
  let run = 1;
  for (let at = 8; at < (length + 1) * 8; at += 8) {
    const entry = Number(list.readBigInt64LE(at));
    // Room that was left in the list.
    if (entry === 0) continue;
    if (entry < 0) {
      run = -entry;
      continue;
    }
    if (!pages.isPage(entry) || !pages.isPage(entry + run - 1)) complain('a list of free pages is damaged');
    for (let page = entry; page < entry + run; page++)
      if (pages.isUsed(page)) complain(`page ${page} is free and in use`);
    run = 1;
  }
}
