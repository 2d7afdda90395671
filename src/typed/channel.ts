// Contracts of channels: what their messages hold, and what the variable parts of their names mean.

import { parse } from './check.js';
import type { ParamsOf, ParamValues } from './path.js';
import { Path } from './path.js';
import type { InputOf, OutputOf, StandardSchema } from './schema.js';
import { isSchema, UNCHECKED } from './schema.js';

export interface ChannelOptions {
  /** Publish with `persist` unless `publish` is told otherwise. Default `false`. */
  readonly persist?: boolean;
  /** For people: goes into the AsyncAPI document. */
  readonly description?: string;
}

/** Channels of one contract: all of them, or those that have some parameters. Subscribe to it. */
export class ChannelSet<Params = unknown, In = unknown, Out = unknown> {
  /** Matches these channels. */
  readonly pattern: string;
  readonly path: Path<Params>;
  readonly schema: StandardSchema<In, Out>;
  readonly options: ChannelOptions;

  /** @internal */
  constructor(path: Path<Params>, pattern: string, schema: StandardSchema<In, Out>, options: ChannelOptions) {
    this.path = path;
    this.pattern = pattern;
    this.schema = schema;
    this.options = options;
  }
}

/** One channel of a contract. Publish to it, or subscribe. */
export class ChannelAddress<Params = unknown, In = unknown, Out = unknown> extends ChannelSet<Params, In, Out> {
  readonly channel: string;

  /** @internal */
  constructor(path: Path<Params>, channel: string, schema: StandardSchema<In, Out>, options: ChannelOptions) {
    super(path, channel, schema, options);
    this.channel = channel;
  }
}

/** Made by `channel`: all channels of a contract, and, as a function, one of them. */
export interface ChannelFamily<Params = unknown, In = unknown, Out = unknown> extends ChannelSet<Params, In, Out> {
  /**
   * The channel with these parameters: `pose({ id: 'r2' })`.
   * @throws {TypeError} for a parameter that is missing, is no single token (`:name`), or has a wildcard.
   */
  (params: ParamValues<Params>): ChannelAddress<Params, In, Out>;
  /**
   * The channels with these parameters, whatever the others are.
   * @throws {TypeError} as above.
   */
  where(params: Partial<ParamValues<Params>>): ChannelSet<Params, In, Out>;
}

/** Without parameters it is a channel itself. */
export type ChannelContract<Params = unknown, In = unknown, Out = unknown> = [keyof Params] extends [never]
  ? ChannelAddress<Params, In, Out>
  : ChannelFamily<Params, In, Out>;

/**
 * Says what the messages of a channel hold, once for all programs that use it.
 *
 * @param path - `:name` stands for one token, `:name*` (once at the most) for any number of them.
 * @param schema - what checks bodies, when they are published and when they arrive: any Standard Schema that answers at
 *   once (zod, valibot, arktype), or `unchecked<T>()`. Without one, bodies are `unknown`.
 * @throws {TypeError} for a path with wildcards, or parameters it cannot tell apart.
 *
 * @example
 * const pose = channel('robots/:id/pose', z.object({ x: z.number(), y: z.number() }));
 * await client.subscribe(pose, ({ params, body }) => draw(params.id, body.x, body.y));
 * await client.publish(pose({ id: 'r2' }), { x: 1, y: 2 });
 */
export function channel<const P extends string, S extends StandardSchema = StandardSchema>(
  path: P,
  schema?: S,
  options?: ChannelOptions,
): ChannelContract<ParamsOf<P>, InputOf<S>, OutputOf<S>>;
export function channel(path: string, schema: StandardSchema = UNCHECKED, options: ChannelOptions = {}): unknown {
  if (!isSchema(schema))
    throw new TypeError(`channel ${path}: the schema is none; give a Standard Schema, as zod makes`);
  const parsed = new Path<Record<string, string>>(path);
  if (parsed.params.length === 0) return new ChannelAddress(parsed, parsed.text, schema, options);
  const one = (params: ParamValues<Record<string, string>>) =>
    new ChannelAddress(parsed, parsed.channel(params), schema, options);
  const where = (params: Partial<ParamValues<Record<string, string>>>) =>
    new ChannelSet(parsed, parsed.pattern(params), schema, options);
  return Object.assign(one, { path: parsed, pattern: parsed.pattern({}), schema, options, where });
}

/** Whether it is made by `channel`, or by what that made. */
export function isChannels<C extends ChannelSet>(value: string | C): value is C {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  return 'path' in value && value.path instanceof Path && 'pattern' in value;
}

/** @throws {SpokeError} `VALIDATION` */
export function checkBody({ schema, channel: where }: ChannelAddress, body: unknown): void {
  parse(schema, body, { what: 'body', where });
}
