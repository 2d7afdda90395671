// JSON as the peers' language reads and writes it: an integer is not a float, and NaN passes.

/** An integer is a bigint, a float is a number, an object is a map. */
export type Value = null | boolean | bigint | number | string | Value[] | ValueMap;
export type ValueMap = Map<string, Value>;

// Their reader recurses, and their language stops it at about this depth.
const MAX_DEPTH = 990;

/** @throws {SyntaxError} what is not JSON, nests too deep, or has something behind it. */
export function read(text: string): Value {
  let at = 0;

  function fail(): never {
    throw new SyntaxError(`not JSON at ${at}: ${JSON.stringify(text.slice(at, at + 20))}`);
  }
  function space(): void {
    while (at < text.length && ' \t\n\r'.includes(text.charAt(at))) at++;
  }
  function take(expected: string): boolean {
    if (!text.startsWith(expected, at)) return false;
    at += expected.length;
    return true;
  }
  function match(expression: RegExp): string | undefined {
    expression.lastIndex = at;
    const found = expression.exec(text)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  }
  function string(): string {
    // oxlint-disable-next-line no-control-regex -- control characters are what a string may not hold
    const literal = match(/"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y);
    if (literal === undefined) fail();
    return literal.slice(1, -1).replace(/\\(u.{4}|.)/g, (_whole, escape: string) => unescape(escape));
  }
  function number(): Value {
    const literal = match(/-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/y);
    if (literal === undefined) fail();
    return /[.eE]/.test(literal) ? Number(literal) : BigInt(literal);
  }
  function array(depth: number): Value {
    const items: Value[] = [];
    space();
    if (take(']')) return items;
    for (;;) {
      items.push(value(depth));
      space();
      if (take(']')) return items;
      if (!take(',')) fail();
    }
  }
  function object(depth: number): Value {
    const members: ValueMap = new Map();
    space();
    if (take('}')) return members;
    for (;;) {
      space();
      const key = string();
      space();
      if (!take(':')) fail();
      // Of members with one name the last value counts, in the place of the first.
      members.set(key, value(depth));
      space();
      if (take('}')) return members;
      if (!take(',')) fail();
    }
  }
  function value(depth: number): Value {
    if (depth > MAX_DEPTH) fail();
    space();
    if (text[at] === '"') return string();
    if (take('{')) return object(depth + 1);
    if (take('[')) return array(depth + 1);
    if (take('null')) return null;
    if (take('true')) return true;
    if (take('false')) return false;
    if (take('NaN')) return NaN;
    if (take('Infinity')) return Infinity;
    if (take('-Infinity')) return -Infinity;
    return number();
  }

  const result = value(0);
  space();
  if (at < text.length) fail();
  return result;
}

/** ASCII only, `", "` between members, `": "` after keys. */
export function write(value: Value): string {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return writeFloat(value);
  if (typeof value === 'string') return writeString(value);
  if (Array.isArray(value)) return `[${value.map(write).join(', ')}]`;
  if (value instanceof Map) {
    return `{${[...value].map(([key, member]) => `${writeString(key)}: ${write(member)}`).join(', ')}}`;
  }
  return String(value);
}

/** A value of a test as theirs: whole numbers are integers, absent is null. */
export function fromJs(value: unknown): Value {
  if (value === undefined || value === null) return null;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value === 'boolean' || typeof value === 'bigint' || typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(fromJs);
  if (typeof value === 'object') return new Map(Object.entries(value).map(([key, member]) => [key, fromJs(member)]));
  throw new TypeError(`no JSON value: ${typeof value}`);
}

/** One of theirs as a test compares it: numbers are numbers where that loses nothing. */
export function toJs(value: Value | undefined): unknown {
  if (value === undefined) return null;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (Array.isArray(value)) return value.map(toJs);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, member]) => [key, toJs(member)]));
  return value;
}

function unescape(escape: string): string {
  const short: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };
  return escape.startsWith('u') ? String.fromCharCode(parseInt(escape.slice(1), 16)) : (short[escape] ?? escape);
}

function writeString(text: string): string {
  const short: Record<string, string> = { '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
  const escaped = text.replace(/["\\]|[^ -~]/g, (char) => {
    if (char === '"' || char === '\\') return `\\${char}`;
    return short[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return `"${escaped}"`;
}

function writeFloat(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const [digits = '', exponent = ''] = value.toExponential().split('e');
  const power = Number(exponent);
  if (power < -4 || power >= 16) return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
  const plain = String(value);
  return plain.includes('.') ? plain : `${plain}.0`;
}
