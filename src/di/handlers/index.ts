// Providers and subscribers as classes, or as plain functions, that start and end with an application. The decorators are an
// entry of their own, `spoke/decorators`: contracts have a `method` too.

export type { Handling } from './handling.js';
export { Handlers } from './handlers.js';
export type { HandlersOptions } from './handlers.js';
export type { AnyHandler, AnyProcedure, MethodOptions, SubscriberOptions } from './marks.js';
export { providerOf, subscriberOf } from './plain.js';
