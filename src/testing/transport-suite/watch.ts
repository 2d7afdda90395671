// Waiting for what must happen, without sleeping.

interface Waiter {
  readonly condition: () => boolean;
  readonly resolve: () => void;
}

/** Longest wait for one event, for machines that are busy with something else. Only a failing test gets there. */
const PATIENCE = 20_000;

/** Shared by all ends of one test: whatever happens to one of them may be what somebody waits for. */
export class Watch {
  /** The method of a connection that is being called right now, or ''. No handler may be called meanwhile. */
  calling = '';
  readonly #waiters = new Set<Waiter>();

  /** Something happened: look again who may go on. */
  changed(): void {
    for (const waiter of this.#waiters) {
      if (waiter.condition()) {
        this.#waiters.delete(waiter);
        waiter.resolve();
      }
    }
  }

  /**
   * Waits until the condition holds.
   * @param what - for the text of the error: what should have happened.
   * @param describe - for the text of the error: how things stand instead.
   */
  async until(what: string, condition: () => boolean, describe: () => string): Promise<void> {
    if (condition()) return;
    const { promise, cancel } = inTime(what, describe);
    let waiter: Waiter | undefined;
    const happened = new Promise<void>((resolve) => {
      waiter = { condition, resolve };
      this.#waiters.add(waiter);
    });
    try {
      await Promise.race([happened, promise]);
    } finally {
      cancel();
      if (waiter !== undefined) this.#waiters.delete(waiter);
    }
  }
}

/** The same promise, or an error that says what did not happen. */
export async function soon<T>(what: string, promise: Promise<T>): Promise<T> {
  const deadline = inTime(what, () => 'the promise is still pending');
  try {
    return await Promise.race([promise, deadline.promise]);
  } finally {
    deadline.cancel();
  }
}

function inTime(what: string, describe: () => string): { promise: Promise<never>; cancel: () => void } {
  let cancel = () => {};
  const promise = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`waited ${PATIENCE} ms in vain: ${what} (instead: ${describe()})`));
    }, PATIENCE);
    cancel = () => clearTimeout(timer);
  });
  return { promise, cancel };
}
