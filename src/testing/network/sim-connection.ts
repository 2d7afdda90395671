// One end of a simulated connection: a byte stream with latency, through a network that can hold it up or break it.

import { SpokeError } from '../../contracts/index.js';
import { BaseConnection } from '../../transports/index.js';

/** What a connection asks of its network. */
export interface SimWire {
  /** Whether bytes get from one member to the other now. */
  reaches(from: string, to: string): boolean;
  /** Whether the member's programs read. */
  reads(member: string): boolean;
  /** Milliseconds that the next chunk takes. */
  latency(): number;
  /** Cuts a chunk where the network likes. */
  cut(chunk: Uint8Array): readonly Uint8Array[];
  monotonic(): number;
  /** Runs the callback later, never from inside the call. */
  after(delay: number, callback: () => void): () => void;
  /** Forgets an end that is over. */
  ended(connection: SimConnection): void;
}

interface InFlight {
  /** Bytes, the end of the stream in good order, or its end by a reset. */
  readonly item: Uint8Array | 'end' | SpokeError;
  readonly due: number;
}

const HIGH_WATER_MARK = 64 * 1024;
/** Milliseconds without progress after which an ending connection is cut, as with TCP. */
const CLOSE_TIMEOUT = 5000;

export class SimConnection extends BaseConnection {
  readonly boundaries = 'stream';
  /** The member whose end this is. */
  readonly member: string;
  readonly #wire: SimWire;
  #other: SimConnection | undefined;
  #outgoing: InFlight[] = [];
  #pending = 0;
  #lastDue = 0;
  #reading = false;
  /** The other side has got our end of the stream; we have got theirs. */
  #endArrived = false;
  #gotEnd = false;
  #over = false;
  #cancelDelivery: (() => void) | undefined;
  #cancelClose: (() => void) | undefined;

  /** Two ends, joined. `number` tells connections between the same members apart. */
  static pair(wire: SimWire, connecting: string, accepting: string, number: number): [SimConnection, SimConnection] {
    const client = new SimConnection(wire, connecting, accepting);
    const server = new SimConnection(wire, accepting, `${connecting}#${number}`);
    client.#other = server;
    server.#other = client;
    return [client, server];
  }

  private constructor(wire: SimWire, member: string, peer: string) {
    super({ address: `memory://${peer}` });
    this.#wire = wire;
    this.member = member;
  }

  get pendingBytes(): number {
    return this.#pending;
  }

  /** The member at the other end. */
  get otherMember(): string {
    return this.#other?.member ?? '';
  }

  /** Goes on with what was held up on its way from here. */
  wake(): void {
    const [first] = this.#outgoing;
    if (first === undefined || this.#cancelDelivery !== undefined || !this.#passes(first)) return;
    this.#cancelDelivery = this.#wire.after(Math.max(0, first.due - this.#wire.monotonic()), () => {
      this.#cancelDelivery = undefined;
      this.#deliver();
      this.wake();
    });
  }

  /** Loses the connection at this end: no word of it reaches the other one. */
  lose(error: SpokeError): void {
    this.#finished();
    this.#outgoing = [];
    this.ended({ by: 'error', error });
  }

  protected write(chunk: Uint8Array): boolean {
    this.#pending += chunk.length;
    // Copied: on a byte stream no receiver sees a sender's buffer.
    for (const part of this.#wire.cut(new Uint8Array(chunk))) this.#push(part);
    return this.#pending < HIGH_WATER_MARK;
  }

  protected startReading(): void {
    this.#reading = true;
    this.#other?.wake();
  }

  protected stopReading(): void {
    this.#reading = false;
  }

  protected finish(): void {
    this.#push('end');
    // What still comes is thrown away, up to the other side's end.
    this.startReading();
    this.#cancelClose = this.#wire.after(CLOSE_TIMEOUT, () => this.drop());
    this.#finishWhenBothEnded();
  }

  protected drop(): void {
    if (this.#over) return;
    this.#finished();
    this.#outgoing = [];
    this.#push(new SpokeError('CONNECTION_LOST', `${this.member} reset the connection`, { retryable: true }));
    this.ended();
  }

  #push(item: InFlight['item']): void {
    // Later ones never overtake.
    this.#lastDue = Math.max(this.#lastDue, this.#wire.monotonic() + this.#wire.latency());
    this.#outgoing.push({ item, due: this.#lastDue });
    this.wake();
  }

  #passes({ item }: InFlight): boolean {
    const other = this.#other;
    if (other === undefined || !this.#wire.reaches(this.member, other.member)) return false;
    // The system of the other side takes an end or a reset; bytes wait until its program reads.
    return !(item instanceof Uint8Array) || other.#over || (other.#reading && this.#wire.reads(other.member));
  }

  // Only what was there when the turn began: two programs that answer each other let everyone else have a turn.
  #deliver(): void {
    const now = this.#wire.monotonic();
    for (let left = this.#outgoing.length; left > 0; left--) {
      const [next] = this.#outgoing;
      if (next === undefined || next.due > now || !this.#passes(next)) return;
      this.#outgoing.shift();
      this.#arrive(next.item);
    }
  }

  #arrive(item: InFlight['item']): void {
    const other = this.#other;
    if (other === undefined || other.#over) return;
    if (item instanceof SpokeError) {
      other.lose(item);
      return;
    }
    if (item === 'end') {
      this.#endArrived = true;
      other.#gotEnd = true;
      other.remoteEnded();
      other.#finishWhenBothEnded();
      this.#finishWhenBothEnded();
      return;
    }
    this.#pending -= item.length;
    other.received(item);
    if (this.#pending <= HIGH_WATER_MARK / 2) this.drained();
  }

  #finishWhenBothEnded(): void {
    if (this.#over || !this.#endArrived || !this.#gotEnd) return;
    this.#finished();
    this.ended();
  }

  #finished(): void {
    this.#over = true;
    this.#pending = 0;
    this.#cancelDelivery?.();
    this.#cancelDelivery = undefined;
    this.#cancelClose?.();
    this.#wire.ended(this);
  }
}
