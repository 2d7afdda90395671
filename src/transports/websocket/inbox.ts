// Messages that have arrived and that nobody wants yet. A WebSocket hands out whole chunks of them, or cannot be paused at all.

/** Hands messages on while it is open; holds them, in order, while it is shut. It is shut at first. */
export class Inbox {
  readonly #deliver: (message: Uint8Array) => void;
  readonly #emptied: () => void;
  #isOpen = false;
  #held: Uint8Array[] = [];
  #bytes = 0;
  #scheduled = false;
  #end: (() => void) | undefined;

  /**
   * @param deliver - gets the messages, never from inside `open`.
   * @param emptied - nothing is held any more, and it is open.
   */
  constructor(deliver: (message: Uint8Array) => void, emptied: () => void = () => {}) {
    this.#deliver = deliver;
    this.#emptied = emptied;
  }

  /** Bytes held. */
  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  push(message: Uint8Array): void {
    if (this.#isOpen && this.isEmpty) {
      this.#deliver(message);
      return;
    }
    this.#held.push(message);
    this.#bytes += message.length;
  }

  open(): void {
    this.#isOpen = true;
    if (this.#scheduled || (this.isEmpty && this.#end === undefined)) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#deliverHeld();
    });
  }

  shut(): void {
    this.#isOpen = false;
  }

  /** There will be no more. Calls `end` when what is held has been delivered: now, if that is nothing. */
  endWith(end: () => void): void {
    if (this.isEmpty) end();
    else this.#end = end;
  }

  /** Throws away what is held. If its end has come, that is now. */
  discard(): void {
    this.#held = [];
    this.#bytes = 0;
    const end = this.#end;
    this.#end = undefined;
    end?.();
  }

  #deliverHeld(): void {
    while (this.#isOpen) {
      const message = this.#held.shift();
      if (message === undefined) {
        const end = this.#end;
        this.#end = undefined;
        if (end === undefined) this.#emptied();
        else end();
        return;
      }
      this.#bytes -= message.length;
      this.#deliver(message);
    }
  }
}
