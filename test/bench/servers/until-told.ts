// The end of a server script: on SIGTERM, or when whoever started it is gone.

/** Resolves when this process should end. SIGINT is left to the parent: the terminal sends it to all. */
export async function untilTold(): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => {
      process.stdin.destroy();
      resolve();
    };
    process.on('SIGINT', () => {});
    process.on('SIGTERM', stop);
    process.stdin.on('end', stop).on('error', stop).resume();
  });
}

/** The line that the harness waits for. */
export function ready(address: unknown): void {
  const port = typeof address === 'object' && address !== null && 'port' in address ? address.port : address;
  console.log(`listening on ${String(port)}`);
}
