// Everything the broker does on control channels: the base protocol and its extensions, one file each.

export { Acking } from './acking.js';
export { Authenticating } from './authenticating.js';
export { Bridging } from './bridging.js';
export { Calling } from './calling.js';
export { Closing } from './closing.js';
export { Controls } from './controls.js';
export { Grouping } from './grouping.js';
export { Heartbeat } from './heartbeat.js';
export { Keeping } from './keeping.js';
export { Ping } from './ping.js';
export { Presence } from './presence.js';
export type { PresenceListener } from './presence.js';
export { Remembering } from './remembering.js';
export { Requests } from './requests.js';
export { Slowness } from './slowness.js';
export { Subscribing } from './subscribing.js';
export { Wills } from './wills.js';
