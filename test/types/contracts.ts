// What the compiler knows of contracts, and what it refuses. Nothing here runs: `npm run typecheck` fails when a type gets
// wider, or when something that must not compile does.

import { type as arktype } from 'arktype';
import type { Client, Message, Subscription, TypedMessage, TypedSubscription } from 'spoke';
import { channel, failure, failureOf, method, service, stream, unchecked } from 'spoke';
import * as v from 'valibot';
import * as z from 'zod';

import { same } from './same.js';

declare const client: Client;

interface Pose {
  x: number;
  y: number;
}
const pose = channel('robots/:id/pose', z.object({ x: z.number(), y: z.number() }));
const alarm = channel('alarms', unchecked<{ text: string }>());
const logs = channel('logs/:level/:source*', v.string());
const raw = channel('raw');
/** Travels as a text, and arrives as a number. */
const count = channel('count', z.string().transform(Number));
const sized = channel('sized', arktype({ size: 'number > 0' }));

/** Parameters come from the path. */
export async function parameters(): Promise<void> {
  pose({ id: 'r2' });
  pose({ id: 7 });
  logs({ level: 'info', source: 'arm/left' });
  // @ts-expect-error - a parameter is missing
  pose({});
  // @ts-expect-error - no parameter is called so
  pose({ id: 'r2', name: 'x' });
  // @ts-expect-error - true is no token
  pose({ id: true });
  logs.where({ level: 'info' });
  // @ts-expect-error - no parameter is called so
  logs.where({ lvl: 'info' });
  // @ts-expect-error - it has no parameters: it is a channel itself
  alarm({});
}

/** A subscriber gets what the schema makes. */
export async function subscribing(): Promise<void> {
  const subscription = await client.subscribe(pose, (message) => {
    same<typeof message, TypedMessage<{ readonly id: string }, Pose>>(true);
    same<typeof message.params.id, string>(true);
    same<typeof message.body, Pose>(true);
    // @ts-expect-error - no such parameter
    void message.params.name;
    // @ts-expect-error - no such member
    void message.body.z;
  });
  same<typeof subscription, TypedSubscription<{ readonly id: string }, Pose>>(true);
  await client.subscribe(pose({ id: 'r2' }), ({ params, body }) => {
    same<typeof params, { readonly id: string }>(true);
    same<typeof body, Pose>(true);
  });
  await client.subscribe(logs.where({ level: 'info' }), ({ params, body }) => {
    same<typeof params, { readonly level: string; readonly source: string }>(true);
    same<typeof body, string>(true);
  });
  for await (const { body } of client.messages(alarm)) same<typeof body, { text: string }>(true);
  for await (const { body } of await client.subscribe(count)) same<typeof body, number>(true);
  await client.subscribe(sized, ({ body }) => same<typeof body, { size: number }>(true));
  await client.subscribe(raw, ({ body }) => same<typeof body, unknown>(true));
  // @ts-expect-error - the handler wants another body
  await client.subscribe(pose, ({ body }: TypedMessage<unknown, string>) => body);
}

/** A publisher gives what the schema takes, to one channel. */
export async function publishing(): Promise<void> {
  await client.publish(pose({ id: 'r2' }), { x: 1, y: 2 }, { persist: true });
  await client.publish(alarm, { text: 'fire' });
  await client.publish(count, '5');
  await client.publish(sized, { size: 1 });
  await client.publish(raw, [1, 'anything']);
  // @ts-expect-error - y is missing
  await client.publish(pose({ id: 'r2' }), { x: 1 });
  // @ts-expect-error - x is a number
  await client.publish(pose({ id: 'r2' }), { x: '1', y: 2 });
  // @ts-expect-error - there is no z
  await client.publish(pose({ id: 'r2' }), { x: 1, y: 2, z: 3 });
  // @ts-expect-error - to which robot?
  await client.publish(pose, { x: 1, y: 2 });
  // @ts-expect-error - a body is missing
  await client.publish(alarm);
  // @ts-expect-error - what it takes is a text
  await client.publish(count, 5);
}

/** Kept values are those of the contract. */
export async function keeping(): Promise<void> {
  const found = await client.kept.get(pose({ id: 'r2' }));
  same<NonNullable<typeof found>['body'], Pose>(true);
  same<NonNullable<typeof found>['params'], { readonly id: string }>(true);
  // @ts-expect-error - it may be that nothing is kept
  void found.body;
  await client.kept.set(pose({ id: 'r2' }), { x: 1, y: 2 });
  // @ts-expect-error - y is missing
  await client.kept.set(pose({ id: 'r2' }), { x: 1 });
  for await (const entry of client.kept.list(pose)) same<typeof entry.params.id, string>(true);
  same<Awaited<ReturnType<typeof client.kept.clear>>, number>(true);
  await client.kept.clear(pose.where({}));
}

const math = service('math', {
  square: method<number, number>(),
  reset: method(),
  parse: method(z.object({ text: z.string(), radix: z.number().default(10) }), z.object({ value: z.number() })),
  anything: method(v.string()),
});
const arm = service('robots/:id/arm', { grip: method(z.number(), z.boolean()) });

/** A provider has a function for each method, and gives back what the contract says. */
export async function providing(): Promise<void> {
  await client.provide(math, {
    square: (x) => {
      same<typeof x, number>(true);
      return x * x;
    },
    reset: async () => {},
    parse: ({ text, radix }) => {
      same<typeof radix, number>(true);
      return { value: Number.parseInt(text, radix) };
    },
    anything: () => Symbol.iterator,
  });
  await client.provide(arm({ id: 'r2' }), { grip: async (force) => force < 10 });
  // @ts-expect-error - methods are missing
  await client.provide(math, { square: (x) => x });
  // @ts-expect-error - a result of another type
  await client.provide(arm({ id: 'r2' }), { grip: () => 'yes' });
  // @ts-expect-error - no such method
  await client.provide(arm({ id: 'r2' }), { grip: () => true, drop: () => true });
  // @ts-expect-error - whose arm?
  await client.provide(arm, { grip: () => true });
}

/** A caller gives what the contract takes, and knows what comes. */
export async function calling(): Promise<void> {
  const nine = await client.use(math).square(3, { timeout: 1000 });
  same<typeof nine, number>(true);
  const nothing = await client.use(math).reset();
  same<typeof nothing, void>(true);
  const parsed = await client.use(math).parse({ text: 'ff' });
  same<typeof parsed, { value: number }>(true);
  same<Awaited<ReturnType<ReturnType<typeof client.use<typeof math.methods>>['anything']>>, unknown>(true);
  // @ts-expect-error - a text is no number
  await client.use(math).square('3');
  // @ts-expect-error - the argument is missing
  await client.use(math).square();
  // @ts-expect-error - no such method
  await client.use(math).cube(3);
  // @ts-expect-error - whose arm?
  client.use(arm);
  same<Awaited<ReturnType<ReturnType<typeof client.use<typeof arm.methods>>['grip']>>, boolean>(true);
}

const lab = service('lab', {
  count: stream(z.number(), z.string()),
  divide: method(z.number(), z.number(), { errors: { ZERO: z.object({ dividend: z.number() }), NAN: z.string() } }),
});

/** Streams and errors have their types too. */
export async function streamsAndErrors(thrown: unknown): Promise<void> {
  for await (const item of client.use(lab).count(3)) same<typeof item, string>(true);
  await client.provide(lab, {
    async *count(n) {
      same<typeof n, number>(true);
      yield 'one';
    },
    divide: (n, context) => {
      same<typeof context.signal, AbortSignal>(true);
      return n;
    },
  });
  // @ts-expect-error - items are texts
  await client.provide(lab, {
    count: async function* () {
      yield 1;
    },
    divide: (n) => n,
  });
  const { divide } = lab.methods;
  const found = failureOf(divide, thrown);
  if (found?.code === 'ZERO') same<typeof found.data, { dividend: number }>(true);
  if (found?.code === 'NAN') same<typeof found.data, string>(true);
  failure(divide, 'ZERO', 'text', { dividend: 1 });
  // @ts-expect-error - not declared
  failure(divide, 'ONE', 'text', { dividend: 1 });
  // @ts-expect-error - other data
  failure(divide, 'ZERO', 'text', 'data');
}

/** Without contracts nothing has changed. */
export async function untyped(): Promise<void> {
  const subscription = await client.subscribe('sensors/*/temp', (message) => same<typeof message, Message>(true));
  same<typeof subscription, Subscription>(true);
  await client.publish('sensors/kitchen/temp', 21.5, { persist: true });
  await client.publish('nothing');
  for await (const message of client.messages('alarms/**')) same<typeof message, Message>(true);
  await client.provide('math/square', (x: number) => x * x);
  const nine = await client.call<number>('math/square', 3);
  same<typeof nine, number>(true);
  const kept = await client.kept.get<number>('x');
  same<NonNullable<typeof kept>['body'], number>(true);
}
