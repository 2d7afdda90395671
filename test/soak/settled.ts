// Waiting for what comes about by and by: a soak has no one event to wait for.

/** Waits, looking now and then, for something that has to come about. */
export async function settled(condition: () => boolean | Promise<boolean>, milliseconds = 60_000): Promise<boolean> {
  const end = performance.now() + milliseconds;
  for (;;) {
    if (await condition()) return true;
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
