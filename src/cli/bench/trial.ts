// What is measured: one workload with one size of body and one number of connections.

export const WORKLOADS = ['pub-sub', 'fan-out', 'rpc'] as const;

/**
 * - `pub-sub`: each connection publishes to one other;
 * - `fan-out`: one connection publishes to all others;
 * - `rpc`: each connection calls one procedure, which one other connection provides.
 */
export type Workload = (typeof WORKLOADS)[number];

export interface Trial {
  readonly workload: Workload;
  /** Bytes of a body, as JSON text. */
  readonly payload: number;
  readonly connections: number;
}

const DEFAULT_CONNECTIONS: Readonly<Record<Workload, number>> = { 'pub-sub': 1, 'fan-out': 10, rpc: 1 };

/** Every workload with every payload and every number of connections. */
export function sweep(
  workloads: readonly Workload[],
  payloads: readonly number[],
  connections: readonly number[] | undefined,
): Trial[] {
  return workloads.flatMap((workload) =>
    payloads.flatMap((payload) =>
      (connections ?? [DEFAULT_CONNECTIONS[workload]]).map((count) => ({ workload, payload, connections: count })),
    ),
  );
}
