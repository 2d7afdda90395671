// Long runs of text, sixteen bytes at a time: by WebAssembly with SIMD, which checks 64 KiB of text in a fifth of the time
// that JavaScript takes, the copy into its memory included (docs/decisions/011-long-texts.md).

/** `plain-run.wat`, assembled. */
export const PLAIN_RUN_CODE =
  'AGFzbQEAAAABBwFgAn9/AX8DAgEABQMBAAEHEAIGbWVtb3J5AgADcnVuAAAKRwFFAQF7AkADQCAAIAFKDQEgAP0ABAAhAiACQSD9D/0lIAJBIv0P/SMg' +
  'AkHcAP0P/SP9UP1Q/VMNASAAQRBqIQAMAAsLIAAL';

const VECTOR = 16;
/** What is copied first, and the most: a run often ends soon. */
const FIRST_WINDOW = 1024;
const MEMORY = 64 * 1024;

/** What is used of it: its types come with those of browsers only. */
declare const WebAssembly: {
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: Readonly<Record<string, unknown>> };
};

interface Machine {
  readonly memory: Uint8Array;
  /** The first position, in steps of 16 from `at`, that is past `last` or not the start of 16 plain bytes. */
  run(at: number, last: number): number;
}

let machine: Machine | undefined;
let made = false;

/**
 * Skips bytes that stand for themselves in a JSON string: ASCII without control characters, `"` and `\`. It may stop up to 15
 * bytes early, and does not go on at all where there is no WebAssembly.
 * @returns the position reached.
 */
export function plainRun(data: DataView, pos: number, end: number): number {
  if (!made) {
    made = true;
    machine = make();
  }
  if (machine === undefined) return pos;
  const { memory } = machine;
  for (let window = FIRST_WINDOW; end - pos >= VECTOR; window = Math.min(window * 4, MEMORY)) {
    const length = Math.min(window, end - pos);
    memory.set(new Uint8Array(data.buffer, data.byteOffset + pos, length));
    const run = machine.run(0, length - VECTOR);
    pos += run;
    if (run <= length - VECTOR) break;
  }
  return pos;
}

/** `undefined` where code may not be made, or processors have no SIMD. */
function make(): Machine | undefined {
  try {
    const code = Uint8Array.from(atob(PLAIN_RUN_CODE), (unit) => unit.charCodeAt(0));
    const { memory, run } = new WebAssembly.Instance(new WebAssembly.Module(code)).exports;
    if (!isMemory(memory) || !isRun(run)) return undefined;
    return { memory: new Uint8Array(memory.buffer), run };
  } catch {
    return undefined;
  }
}

function isMemory(value: unknown): value is { readonly buffer: ArrayBuffer } {
  return typeof value === 'object' && value !== null && 'buffer' in value && typeof value.buffer === 'object';
}

function isRun(value: unknown): value is Machine['run'] {
  return typeof value === 'function';
}
