// The pages of an LMDB file and the trees they form, walked without trust (docs/decisions/007-durable-store.md).

import { readSync } from 'node:fs';

/** Called with what is wrong; does not return. */
export type Complain = (what: string) => never;

/** What LMDB notes of one tree. */
export interface Tree {
  readonly depth: number;
  readonly branchPages: number;
  readonly leafPages: number;
  readonly overflowPages: number;
  readonly entries: number;
  /** `undefined`: it is empty. */
  readonly root: number | undefined;
}

/** One value of a tree: on the page at hand, or on pages of its own. */
export interface Entry {
  readonly key: Buffer;
  readonly bytes: number;
  readonly inline: Buffer | undefined;
  /** The first of its own pages. */
  readonly page: number;
  /** How many it has: a value that was written over may need fewer than it got. */
  readonly pages: number;
}

// `page(8) transaction(8) pad(2) flags(2) lower(2) upper(2)`; of an overflow page the last four are the number of pages.
const PAGE_HEADER = 24;
const BRANCH = 0x01;
const LEAF = 0x02;
const OVERFLOW = 0x04;
const KIND = 0xff;
// `low(2) high(2) flags(2) key-size(2)`; the first three are a page in a branch, the first two a size in a leaf.
const NODE_HEADER = 8;
const ON_OWN_PAGES = 0x01;
/** `page(8) transaction(8) pages(8)` */
const OWN_PAGES_BYTES = 24;
const MAX_DEPTH = 32;
const FIRST_PAGE = 2;
const KEY_BYTES = 8;

/** All pages of one file: who uses which. */
export class Pages {
  readonly #file: number;
  readonly #size: number;
  readonly #last: number;
  readonly #complain: Complain;
  readonly #used: Uint8Array;

  /**
   * @param file - descriptor.
   * @param last - the last page that was ever in use.
   */
  constructor(file: number, size: number, last: number, complain: Complain) {
    this.#file = file;
    this.#size = size;
    this.#last = last;
    this.#complain = complain;
    this.#used = new Uint8Array((last >>> 3) + 1);
  }

  isUsed(page: number): boolean {
    return (((this.#used[page >>> 3] ?? 0) >>> (page & 7)) & 1) === 1;
  }

  isPage(page: number): boolean {
    return page >= FIRST_PAGE && page <= this.#last;
  }

  /** Reads bytes of pages that are known to be in the file. */
  bytes(page: number, bytes: number): Buffer {
    const target = Buffer.alloc(bytes);
    const read = readSync(this.#file, target, 0, bytes, page * this.#size + PAGE_HEADER);
    if (read < bytes) this.#complain('it ends too early');
    return target;
  }

  /** Reads the tree, and counts what is there against what was noted. */
  walk(tree: Tree, found: (entry: Entry) => void): void {
    if (tree.root === undefined) {
      if (tree.entries !== 0) this.#complain('a tree has lost its root');
      return;
    }
    if (tree.depth < 1 || tree.depth > MAX_DEPTH) this.#complain('a tree has an impossible depth');
    const counted = { branchPages: 0, leafPages: 0, overflowPages: 0, entries: 0 };
    const levels = Array.from({ length: tree.depth }, () => Buffer.alloc(this.#size));
    const visit = (at: number, level: number): void => {
      const page = levels[level] ?? Buffer.alloc(0);
      this.#read(at, page);
      const isLeaf = level === tree.depth - 1;
      if ((page.readUInt16LE(18) & KIND) !== (isLeaf ? LEAF : BRANCH)) this.#complain(`page ${at} is of another kind`);
      if (isLeaf) counted.leafPages++;
      else counted.branchPages++;
      for (const node of this.#nodes(page, at)) {
        if (!isLeaf) {
          visit(page.readUInt32LE(node) + page.readUInt16LE(node + 4) * 2 ** 32, level + 1);
          continue;
        }
        counted.entries++;
        const entry = this.#entry(page, node, at);
        if (entry.inline === undefined) counted.overflowPages += this.#ownPages(entry);
        found(entry);
      }
    };
    visit(tree.root, 0);
    for (const [what, count] of Object.entries(counted)) {
      if (Reflect.get(tree, what) !== count) this.#complain(`a tree has ${count} ${what}, not as many as noted`);
    }
  }

  #read(page: number, target: Buffer): void {
    this.#claim(page, 1);
    const read = readSync(this.#file, target, 0, this.#size, page * this.#size);
    if (read < this.#size) this.#complain('it ends too early');
    if (target.readBigUInt64LE(0) !== BigInt(page)) this.#complain(`page ${page} is not what it should be`);
  }

  #claim(first: number, count: number): void {
    for (let page = first; page < first + count; page++) {
      if (!this.isPage(page)) this.#complain(`there is no page ${page}`);
      if (this.isUsed(page)) this.#complain(`page ${page} is used twice`);
      this.#used[page >>> 3] = (this.#used[page >>> 3] ?? 0) | (1 << (page & 7));
    }
  }

  /** Where the nodes of a page begin. */
  #nodes(page: Buffer, at: number): number[] {
    const lower = page.readUInt16LE(20);
    const upper = page.readUInt16LE(22);
    const wrong = lower === 0 || lower % 2 !== 0 || lower > upper || upper > this.#size - PAGE_HEADER;
    if (wrong) this.#complain(`page ${at} is not what it should be`);
    const nodes: number[] = [];
    for (let i = 0; i < lower; i += 2) {
      const offset = page.readUInt16LE(PAGE_HEADER + i);
      if (offset < upper || offset > this.#size - PAGE_HEADER - NODE_HEADER) this.#complain(`page ${at} is damaged`);
      nodes.push(PAGE_HEADER + offset);
    }
    return nodes;
  }

  #entry(page: Buffer, node: number, at: number): Entry {
    const bytes = page.readUInt32LE(node);
    const flags = page.readUInt16LE(node + 4);
    const keySize = page.readUInt16LE(node + 6);
    if (keySize !== KEY_BYTES || (flags & ~ON_OWN_PAGES) !== 0)
      this.#complain(`page ${at} is not of this kind of store`);
    const own = flags === ON_OWN_PAGES;
    const keyAt = node + NODE_HEADER;
    const valueAt = keyAt + KEY_BYTES;
    if (valueAt + (own ? OWN_PAGES_BYTES : bytes) > this.#size) this.#complain(`page ${at} is damaged`);
    return {
      key: page.subarray(keyAt, valueAt),
      bytes,
      inline: own ? undefined : page.subarray(valueAt, valueAt + bytes),
      page: own ? Number(page.readBigUInt64LE(valueAt)) : 0,
      pages: own ? Number(page.readBigUInt64LE(valueAt + 16)) : 0,
    };
  }

  /** Claims the pages of a value that has its own, and returns how many there are. */
  #ownPages({ page, pages, bytes }: Entry): number {
    if (pages < Math.ceil((PAGE_HEADER + bytes) / this.#size)) this.#complain(`page ${page} is not what it should be`);
    this.#claim(page, pages);
    const header = Buffer.alloc(PAGE_HEADER);
    readSync(this.#file, header, 0, PAGE_HEADER, page * this.#size);
    const right =
      header.readBigUInt64LE(0) === BigInt(page) &&
      (header.readUInt16LE(18) & KIND) === OVERFLOW &&
      header.readUInt32LE(20) === pages;
    if (!right) this.#complain(`page ${page} is not what it should be`);
    return pages;
  }
}
