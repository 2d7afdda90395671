// What went wrong in a soak: how often, and the first of it in words.

const SHOWN = 20;

export class Findings {
  readonly texts: string[] = [];
  count = 0;

  add(text: string): void {
    this.count++;
    const line = `${new Date().toISOString().slice(11, 19)} ${text}`;
    if (this.texts.length >= SHOWN) return;
    this.texts.push(line);
    process.stderr.write(`FOUND ${line}\n`);
  }

  /** For what may not fail: an error is a finding. */
  async watch(what: string, action: () => Promise<unknown>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.add(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
