// `spoke/decorators`: classes whose methods answer calls and get messages, for a container (docs/guide/inversify.md).

export { method, provider, subscriber } from './di/handlers/decorators.js';
export type { HandlerClassDecorator, MethodDecoratorOf } from './di/handlers/decorators.js';
export type { AnyHandler, AnyProcedure, MethodOptions, SubscriberOptions } from './di/index.js';
