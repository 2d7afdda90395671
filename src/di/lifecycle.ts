// Something that a container starts once and ends once.
//
// inversify keeps the promise of an asynchronous singleton, also one that was rejected, and then cannot unbind it: the
// old rejection comes back from `unbindAllAsync`, and nothing is unbound. So what the container keeps is this object,
// which is there at once, and not the promise.

/**
 * States: new -> starting -> running | failed; closed from any of them. The first start is the only one: who asks again
 * gets the same running object, or the same failure.
 */
export class Lifecycle<T extends { close(): Promise<void> }> {
  readonly #make: () => T;
  readonly #start: (made: T) => Promise<void>;
  readonly #before: () => Promise<void> | undefined;
  #made: T | undefined;
  #starting: Promise<T> | undefined;
  #running: T | undefined;

  /** @param before - ends what needs this one, which ends only then: the container ends all at the same time. */
  constructor(
    make: () => T,
    start: (made: T) => Promise<void>,
    before: () => Promise<void> | undefined = () => undefined,
  ) {
    this.#make = make;
    this.#start = start;
    this.#before = before;
  }

  /**
   * What runs: itself as soon as it does, and a promise of it before.
   * @throws (as a rejection) what making and starting it throw; all that had been opened is closed by then.
   */
  running(): T | Promise<T> {
    if (this.#running !== undefined) return this.#running;
    if (this.#starting === undefined) {
      this.#starting = this.#run();
      // A container that was asked synchronously drops the promise.
      this.#starting.catch(() => {});
    }
    return this.#starting;
  }

  /** Ends it, also one that is just starting; `running` then rejects. Idempotent. */
  async close(): Promise<void> {
    await this.#before();
    await this.#made?.close();
  }

  async #run(): Promise<T> {
    const made = (this.#made = this.#make());
    try {
      await this.#start(made);
    } catch (error) {
      await made.close();
      throw error;
    }
    return (this.#running = made);
  }
}
