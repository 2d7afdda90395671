// What the decorators leave behind, and what is found of it on an object.
//
// By name and not by function: a decorator further up may put another function in place of the marked one. Where: with the
// decorators of TypeScript (`experimentalDecorators`) on the prototype; with those of the language, which do not know
// their class, on each object. Under symbols that every copy of the package has in common.

import type { Message, SubscribeOptions } from '../../client/index.js';
import type { RpcService } from '../../rpc/index.js';
import type { ChannelSet, ServiceAddress } from '../../typed/index.js';

/** Without `signal`: handlers end together. */
export type MethodOptions = Omit<NonNullable<Parameters<RpcService['provide']>[2]>, 'signal'>;
export type SubscriberOptions = Omit<SubscribeOptions, 'signal'>;

export type AnyProcedure = (argument: never, context: never) => unknown;
export type AnyHandler = (message: Message<never>) => unknown;

export type Mark =
  /** `name`: below that of the class. Default: the name of the method. */
  | { readonly kind: 'method'; readonly name: string | undefined; readonly options: MethodOptions }
  | { readonly kind: 'subscriber'; readonly to: string | ChannelSet; readonly options: SubscriberOptions };

/** What `@provider` says of a class. */
export interface ProviderMark {
  readonly name: string;
  /** Its methods are all those of this contract, without a mark of their own. */
  readonly service?: ServiceAddress;
  readonly options: MethodOptions;
}

const METHODS = Symbol.for('spoke.methods');
const PROVIDER = Symbol.for('spoke.provider');

type Marks = Map<string | symbol, readonly Mark[]>;
interface Marked {
  [METHODS]?: Marks;
  [PROVIDER]?: ProviderMark;
}

/** Marks the method `key` of `holder`, a prototype or an object. */
export function markMethod(holder: object, key: string | symbol, mark: Mark): void {
  if (ownMarks(holder) === undefined) Object.defineProperty(holder, METHODS, { value: new Map() });
  const marks = ownMarks(holder);
  marks?.set(key, [...(marks.get(key) ?? []), mark]);
}

/** Marks a class, or an object that has none. */
export function markProvider(holder: object, mark: ProviderMark): void {
  Object.defineProperty(holder, PROVIDER, { value: mark, configurable: true });
}

/** Those of the object and of the classes it is made of; nearer ones stand for farther ones of the same name. */
export function methodMarks(object: object): ReadonlyMap<string | symbol, readonly Mark[]> {
  const found: Marks = new Map();
  for (let holder: unknown = object; isObject(holder); holder = Object.getPrototypeOf(holder)) {
    for (const [key, marks] of ownMarks(holder) ?? []) if (!found.has(key)) found.set(key, marks);
  }
  return found;
}

/** That of the object, else of its class or the nearest one it is made from. */
export function providerMark(object: object): ProviderMark | undefined {
  const own: Marked = object;
  const { constructor: made }: { constructor: object } = object;
  const inherited: Marked = made;
  return own[PROVIDER] ?? inherited[PROVIDER];
}

function ownMarks(holder: object): Marks | undefined {
  const marked: Marked = holder;
  return Object.hasOwn(holder, METHODS) ? marked[METHODS] : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
