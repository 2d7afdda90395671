// Waiting for a condition. The timeout is a bound for failures: nothing waits for it to pass.

const BOUND = 8000;

/** A promise that rejects when nothing came of it. */
export async function within<T>(promise: Promise<T>, what: () => string, bound = BOUND): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${bound} ms: ${what()}`)), bound);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Conditions that are looked at again whenever something has happened. */
export class Happenings {
  readonly #waiting = new Set<() => void>();

  /** Something happened. */
  happened(): void {
    for (const look of [...this.#waiting]) look();
  }

  /** Resolves when `condition` holds, at once if it does already. */
  async until(condition: () => boolean, what: () => string, bound?: number): Promise<void> {
    if (condition()) return;
    let look = (): void => {};
    const held = new Promise<void>((resolve) => {
      look = () => {
        if (condition()) resolve();
      };
    });
    this.#waiting.add(look);
    try {
      await within(held, what, bound);
    } finally {
      this.#waiting.delete(look);
    }
  }
}
