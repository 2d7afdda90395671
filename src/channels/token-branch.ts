/**
 * The children of a trie node, one for each token. Most nodes have none or one, and an empty Map costs
 * 200 bytes, so a single child is held inline and a Map exists only from the second child on.
 */
export abstract class TokenBranch<Child extends object> {
  /** The token of the single inline child; undefined when there is none, or a Map. */
  #token: string | undefined = undefined;
  #held: Child | Map<string, Child> | undefined = undefined;

  /** Whether no child is left. */
  get childless(): boolean {
    return this.#held === undefined;
  }

  child(token: string): Child | undefined {
    const held = this.#held;
    if (held === undefined) return undefined;
    if (held instanceof Map) return held.get(token);
    return this.#token === token ? held : undefined;
  }

  /** Adds the child of this token, or replaces it. */
  attach(token: string, child: Child): void {
    const held = this.#held;
    if (held instanceof Map) {
      held.set(token, child);
    } else if (held === undefined || this.#token === undefined || this.#token === token) {
      this.#token = token;
      this.#held = child;
    } else {
      this.#held = new Map([
        [this.#token, held],
        [token, child],
      ]);
      this.#token = undefined;
    }
  }

  detach(token: string): void {
    const held = this.#held;
    if (held instanceof Map) {
      held.delete(token);
      if (held.size > 1) return;
      for (const [lastToken, last] of held) {
        this.#token = lastToken;
        this.#held = last;
      }
    } else if (this.#token === token) {
      this.#token = undefined;
      this.#held = undefined;
    }
  }

  /** Appends every child to a list: for walks with a stack of their own, which no depth can overflow. */
  pushChildren(to: Child[]): void {
    const held = this.#held;
    if (held instanceof Map) {
      for (const child of held.values()) to.push(child);
    } else if (held !== undefined) {
      to.push(held);
    }
  }
}
