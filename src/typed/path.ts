// Channels with named parts: `robots/:id/pose` stands for `robots/r2/pose`, and says that the id is `r2`.

import { canonical, tokens } from '../channels/index.js';

/** The tokens of a path. */
export type TokenOf<P extends string> = P extends `${infer Head}/${infer Tail}` ? Head | TokenOf<Tail> : P;
/** The name in `:name` or `:name*`; `never` in other tokens. */
export type ParamName<T extends string> = T extends `:${infer Name}*`
  ? Name
  : T extends `:${infer Name}`
    ? Name
    : never;

/** The parameters of a path, as they are read from a channel: `{ id: string }` for `robots/:id/pose`. */
export type ParamsOf<P extends string> = string extends P
  ? Readonly<Record<string, string>>
  : { readonly [Name in ParamName<TokenOf<P>>]: string };

/** The parameters of a path, as they are given. */
export type ParamValues<Params> = { readonly [Name in keyof Params]: string | number };

/** A parameter of a path. */
export interface Param {
  readonly name: string;
  /** `:path*`: any number of tokens, none included. */
  readonly rest: boolean;
}

const PARAM = /^:([A-Za-z]\w*)(\*?)$/;

/** `:name` is one token; `:name*`, once at the most, any number of them, slashes included. */
export class Path<Params = unknown> {
  readonly text: string;
  readonly params: readonly Param[];
  readonly #parts: readonly (string | Param)[];
  /** The position of `:name*`; behind the end without one. */
  readonly #rest: number;

  /** @throws {TypeError} for a wildcard, or a parameter without a name of its own. */
  constructor(text: string) {
    if (typeof text !== 'string') throw new TypeError('a contract needs the text of its channel');
    this.text = canonical(text);
    this.#parts = tokens(this.text).map((token) => readPart(token, text));
    this.params = this.#parts.filter((part) => typeof part === 'object');
    const names = new Set(this.params.map(({ name }) => name));
    if (names.size < this.params.length) throw new TypeError(`${text}: two parameters have one name`);
    if (this.params.filter(({ rest }) => rest).length > 1)
      throw new TypeError(`${text}: only one parameter can take any number of tokens`);
    const rest = this.#parts.findIndex((part) => typeof part === 'object' && part.rest);
    this.#rest = rest < 0 ? this.#parts.length : rest;
  }

  /**
   * The channel with these parameters; or a pattern, with wildcards where they say nothing.
   * @throws {TypeError} for a parameter that is no token, or that the path does not have.
   */
  pattern(values: Partial<ParamValues<Params>>): string {
    const given: Readonly<Record<string, unknown>> = { ...values };
    for (const name of Object.keys(given)) {
      if (!this.params.some((param) => param.name === name))
        throw new TypeError(`${this.text} has no parameter "${name}"`);
    }
    const parts = this.#parts.map((part) => (typeof part === 'string' ? part : this.#fill(part, given[part.name])));
    return canonical(parts.join('/'));
  }

  /**
   * The channel with these parameters.
   * @throws {TypeError} as `pattern`, and for one that is missing.
   */
  channel(values: ParamValues<Params>): string {
    const given: Readonly<Record<string, unknown>> = { ...values };
    for (const { name } of this.params) {
      if (given[name] === undefined) throw new TypeError(`${this.text}: the parameter "${name}" is missing`);
    }
    return this.pattern(values);
  }

  /** The parameters of a channel that the pattern of this path matches. */
  read(channel: string): Params {
    const values: Record<string, string> = {};
    if (this.params.length > 0) {
      const found = tokens(channel);
      const taken = found.length - this.#parts.length + 1;
      this.#parts.forEach((part, i) => {
        if (typeof part === 'string') return;
        if (part.rest) values[part.name] = found.slice(i, i + taken).join('/');
        else values[part.name] = found[i > this.#rest ? i + taken - 1 : i] ?? '';
      });
    }
    // What the constructor read from the text, `ParamsOf` has read from its type.
    return values as Params;
  }

  #fill({ name, rest }: Param, value: unknown): string {
    if (value === undefined) return rest ? '**' : '*';
    if (typeof value !== 'string' && typeof value !== 'number')
      throw new TypeError(`${this.text}: the parameter "${name}" must be a text or a number`);
    const text = String(value);
    const parts = tokens(text);
    if (parts.some((part) => part === '*' || part === '**'))
      throw new TypeError(`${this.text}: the parameter "${name}" is "${text}", and must not have a wildcard`);
    if (!rest && (parts.length !== 1 || text.includes('/')))
      throw new TypeError(`${this.text}: the parameter "${name}" is "${text}", and must be one token, without a slash`);
    return text;
  }
}

function readPart(token: string, text: string): string | Param {
  if (token === '*' || token === '**')
    throw new TypeError(`${text}: a contract names its parameters: write ":name" for "*", ":name*" for "**"`);
  if (!token.startsWith(':')) return token;
  const [, name, star] = PARAM.exec(token) ?? [];
  if (name === undefined)
    throw new TypeError(`${text}: "${token}" is no parameter; it is a colon and a name of letters, digits and "_"`);
  return { name, rest: star === '*' };
}
