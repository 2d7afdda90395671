// Another broker of the cluster, as far as it has told of itself.

/** One of them, from when it was heard of until it leaves or is silent for too long. */
export class Peer {
  /** What its clients are members of and provide (`readWanted`), and how many of them; 0: only clients beyond its bridges. */
  readonly wanted = new Map<string, number>();
  /** By group: its members, counted once for each pattern. */
  readonly members = new Map<string, number>();
  /** When something of it came, by the monotonic clock, in milliseconds. */
  heard: number;
  /** Of what it told of itself; -1: nothing yet. */
  version = -1;
  /** The version of what this broker has told that it has heard. */
  confirmed = -1;
  /** Parts of a full account that is not complete. */
  account: [wanted: string, count: number][] = [];

  constructor(
    readonly id: string,
    now: number,
  ) {
    this.heard = now;
  }
}
