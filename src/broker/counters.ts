// Messages of one broker, counted since its start by the files on their path.

export interface Counters {
  received: number;
  delivered: number;
  discarded: number;
}
