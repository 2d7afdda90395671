// Waiting for something with an end, so that a test that fails says what never came.

/** The result of `promise`, or an error that says what did not happen within `milliseconds`. */
export async function within<T>(promise: Promise<T>, what: string, milliseconds = 5000): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
