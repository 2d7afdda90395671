// One kind of work that a soak does, with its own books.

export interface Part {
  readonly name: string;
  /** For the report. */
  readonly counts: Readonly<Record<string, number>>;
  /** Ends the work, waits until what is on its way has arrived, and closes the books. */
  finish(): Promise<void>;
}
