// What an engine says of something that it was to keep.

export interface Kept {
  /** `false`: something with the same id was kept before, or the channel has got another revision than `after`. */
  readonly fresh: boolean;
}
