// The forms of msgpack, each in its shortest (docs/protocol.md#msgpack).
//
// Hot (test/bench/micro/codec.bench.ts): room is made once for each value, not for each byte; short texts are copied in a
// loop, which up to some fifty characters beats a call out of JavaScript.

const FIRST_BYTES = 1024;
/** What is held on to, whatever comes. */
const KEPT_BYTES = 256 * 1024;
/** Far beyond any message: what comes so far contains itself. */
const MAX_BYTES = 2 ** 26;
/** Room for every form but long texts and binary data. */
const MARGIN = 64;
const MAX_CHAR_BYTES = 4;
const LOOP_CHARS = 48;

const utf8 = new TextEncoder();

/** Collects bytes. Who writes anything makes room for it first. */
export class MsgpackWriter {
  #bytes = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** What was written so far. The memory is used again after `clear`. */
  protected get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Begins anew. What a long value took is let go of when a shorter one has come. */
  protected clear(): void {
    if (this.#bytes.length > KEPT_BYTES && this.#length < this.#bytes.length / 4) this.#allocate(FIRST_BYTES);
    this.#length = 0;
  }

  /** Makes room for the next value or key, and so many bytes. */
  protected room(bytes = 0): void {
    const needed = this.#length + bytes + MARGIN;
    if (needed > this.#bytes.length) this.#grow(needed);
  }

  /** A type that says it all. */
  protected type(type: number): void {
    this.#bytes[this.#length++] = type;
  }

  protected map(size: number): void {
    if (size < 16) this.type(0x80 | size);
    else this.#sized(0xde, size, 2);
  }

  protected array(length: number): void {
    if (length < 16) this.type(0x90 | length);
    else this.#sized(0xdc, length, 2);
  }

  protected number(value: number): void {
    // Minus zero is one of these, and loses its sign.
    if (value >>> 0 === value) {
      if (value < 128) this.type(value);
      else this.#sized(0xcc, value, 1);
    } else if ((value | 0) !== value) this.float(value);
    else if (value >= -32) this.type(value);
    else if (value >= -0x80) this.#unsigned(0xd0, value, 1);
    else if (value >= -0x8000) this.#unsigned(0xd1, value, 2);
    else this.#unsigned(0xd2, value, 4);
  }

  /** A number as a float, whole or not. */
  protected float(value: number): void {
    const at = this.#length;
    this.#length = at + 9;
    this.#bytes[at] = 0xcb;
    this.#view.setFloat64(at + 1, value);
  }

  /** @throws {RangeError} beyond 64 bits. */
  protected bigint(value: bigint): void {
    const isSigned = BigInt.asIntN(64, value) === value;
    if (!isSigned && BigInt.asUintN(64, value) !== value) throw new RangeError('a bigint beyond 64 bits');
    this.type(isSigned ? 0xd3 : 0xcf);
    this.#long(value);
  }

  /** Halves of surrogate pairs become U+FFFD. */
  protected text(text: string): void {
    const { length } = text;
    const start = this.#length;
    const head = textHead(length);
    if (length < LOOP_CHARS) {
      const bytes = this.#bytes;
      const at = start + head;
      let i = 0;
      for (; i < length; i++) {
        const code = text.charCodeAt(i);
        if (code > 0x7f) break;
        bytes[at + i] = code;
      }
      if (i === length) {
        if (head === 1) bytes[start] = 0xa0 | length;
        else {
          bytes[start] = 0xd9;
          bytes[start + 1] = length;
        }
        this.#length = at + length;
        return;
      }
    }
    this.#length = start + head;
    this.#utf8(text);
    const written = this.#length - start - head;
    const actualHead = textHead(written);
    if (actualHead !== head) this.#bytes.copyWithin(start + actualHead, start + head, this.#length);
    this.#length = start;
    if (written < 32) this.type(0xa0 | written);
    else this.#sized(0xd9, written, 1);
    this.#length += written;
  }

  protected binary(bytes: Uint8Array): void {
    this.room(bytes.length);
    this.#sized(0xc4, bytes.length, 1);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** @param time - milliseconds since 1970, a whole number. */
  protected timestamp(time: number): void {
    const seconds = Math.floor(time / 1000);
    const nanoseconds = (time - seconds * 1000) * 1e6;
    if (seconds !== seconds >>> 0) {
      this.#unsigned(0xc7, 12, 1);
      this.#unsigned(0xff, nanoseconds, 4);
      this.#long(BigInt(seconds));
    } else if (nanoseconds === 0) {
      this.type(0xd6);
      this.#unsigned(0xff, seconds, 4);
    } else {
      // 30 bits of nanoseconds, 34 of seconds.
      this.type(0xd7);
      this.#unsigned(0xff, nanoseconds * 4, 4);
      this.#view.setUint32(this.#length, seconds);
      this.#length += 4;
    }
  }

  /** As many bytes as it takes, which is known when they are there: `encodeInto` stops where room ends. */
  #utf8(text: string): void {
    for (let rest = text; rest !== '';) {
      this.room(rest.length + MAX_CHAR_BYTES);
      // The margin stays: what is in front of the text may become longer.
      const { read, written } = utf8.encodeInto(rest, this.#bytes.subarray(this.#length, -MARGIN));
      this.#length += written;
      rest = rest.slice(read);
    }
  }

  /** A type whose forms differ in the width of a number: `type` is that of the narrowest, `width` bytes. */
  #sized(type: number, value: number, width: 1 | 2): void {
    if (value < 2 ** (8 * width)) this.#unsigned(type, value, width);
    else if (width === 1 && value < 0x1_0000) this.#unsigned(type + 1, value, 2);
    else this.#unsigned(type + 3 - width, value, 4);
  }

  /** A type, and a number behind it. */
  #unsigned(type: number, value: number, width: 1 | 2 | 4): void {
    const at = this.#length;
    this.#length = at + 1 + width;
    this.#bytes[at] = type;
    if (width === 1) this.#bytes[at + 1] = value;
    else if (width === 2) this.#view.setUint16(at + 1, value);
    else this.#view.setUint32(at + 1, value);
  }

  #long(value: bigint): void {
    this.#view.setBigUint64(this.#length, value);
    this.#length += 8;
  }

  #grow(needed: number): void {
    if (needed > MAX_BYTES) throw new RangeError('it is far too long, or contains itself');
    const before = this.#bytes;
    this.#allocate(Math.max(needed, 2 * before.length));
    this.#bytes.set(before);
  }

  #allocate(bytes: number): void {
    this.#bytes = new Uint8Array(bytes);
    this.#view = new DataView(this.#bytes.buffer);
  }
}

/** Bytes before a text of so many bytes. */
function textHead(length: number): number {
  return length < 32 ? 1 : length < 0x100 ? 2 : length < 0x1_0000 ? 3 : 5;
}
