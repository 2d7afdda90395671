// What end-to-end workloads ask of a client library: values in, values out, the way its users do it.

export type ClientName = 'relay' | 'spoke' | 'nats' | 'redis' | 'mqtt' | 'socket.io';

/** The server under test, for drivers that use its client library. */
export interface ClientTarget {
  readonly pid: number;
  readonly port: number;
  readonly client: ClientName;
  /** For spoke: the folder of the built package. */
  readonly dist?: string;
  /** For spoke: the codec that clients speak. */
  readonly codec?: string;
}

export interface BenchClient {
  /** Resolves when the subscription has taken effect. Patterns are written the way of spoke. */
  subscribe(pattern: string, handler: (body: unknown) => void): Promise<void>;
  /** May return a promise, of which the publisher awaits the last in each burst. */
  publish(channel: string, body: unknown): unknown;
  close(): Promise<void>;

  provide?(name: string, procedure: (argument: unknown) => unknown): Promise<void>;
  call?(name: string, argument: unknown): Promise<unknown>;

  /** Publishes a message that is kept as the last one of its channel; may return a promise as `publish`. */
  keep?(channel: string, body: unknown): unknown;
  /** Resolves when all that was kept is in effect. */
  flush?(): Promise<void>;
  /** Gets every kept message below `prefix`; may resolve before they have come. */
  replay?(prefix: string, handler: (body: unknown) => void): Promise<void>;
}

/** - `caller` and `provider` are for clients that must know their part beforehand. */
export type Role = 'publisher' | 'subscriber' | 'caller' | 'provider';

export type Connect = (target: ClientTarget, role: Role) => Promise<BenchClient>;
