// Workers share jobs: each job is done by one of them.

import type { Client } from 'spoke';

/** Does jobs until it is told to stop; what it was given by then is still done. */
export async function startWorker(client: Client, work: (job: unknown) => void): Promise<() => Promise<void>> {
  const jobs = await client.subscribe('jobs/*', ({ body }) => work(body), { group: 'workers' });
  return () => jobs.unsubscribe();
}
