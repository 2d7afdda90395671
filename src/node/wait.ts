// The end of a program that runs until it is told to stop.

/**
 * Resolves with the name of the signal when the process gets SIGINT or SIGTERM. A second one ends the process as usual.
 */
export async function wait(): Promise<'SIGINT' | 'SIGTERM'> {
  return new Promise((resolve) => {
    const interrupted = () => stop('SIGINT');
    const terminated = () => stop('SIGTERM');
    // Signal handlers do not keep a process alive; waiting must.
    const alive = setInterval(() => {}, 2 ** 30);
    function stop(signal: 'SIGINT' | 'SIGTERM'): void {
      clearInterval(alive);
      process.off('SIGINT', interrupted);
      process.off('SIGTERM', terminated);
      resolve(signal);
    }
    process.on('SIGINT', interrupted);
    process.on('SIGTERM', terminated);
  });
}
