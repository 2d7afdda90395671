// The client on any platform. `spoke` and `spoke/browser` add transports, defaults and remote calls.

export type { BackoffOptions } from './backoff.js';
export { BaseClient } from './client.js';
export { Durables } from './durables.js';
export type { DurableInfo } from './durables.js';
export { HistoryMessage } from './history-message.js';
export type { HistoryOptions } from './history.js';
export { KeptValues } from './kept-values.js';
export type { ClearOptions, KeptEntry, KeptValue, SetOptions } from './kept-values.js';
export { Message } from './message.js';
export type { BaseClientOptions, ClientEvents, ClientState, PublishOptions, WaitOptions } from './options.js';
export { Presence } from './presence.js';
export type { About, PresenceEntry, PresenceListener, PresenceNews } from './presence.js';
export { randomId } from './random-id.js';
export { reportUnheard, textOf } from './report.js';
export type { Login } from './session.js';
export type { SlowPolicy } from '../link/slow-control.js';
export type { SubscribeOptions } from './subscribe-options.js';
export { Subscription } from './subscription.js';
export type { MessageHandler, SubscriptionOwner } from './subscription.js';
export type { Will } from './will.js';
export { requireTimeout, waitFor } from './wait-for.js';
