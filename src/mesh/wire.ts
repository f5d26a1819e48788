/** A connection that carries whole frames of bytes, whoever opened it. */
export interface Wire {
  /** Never throws, never calls back within the same turn. */
  send(frame: Uint8Array<ArrayBuffer>): void;
  /** Sent and not yet taken over by the network. */
  readonly backlogBytes: number;
  /** Ends it when what was sent is on its way, or soon. */
  close(): void;
  /** Ends it now. */
  cut(): void;
}

/** What a wire says; nothing after `closed`, which comes once. */
export interface WireListener {
  /** It carries frames from now on. */
  opened(): void;
  /** A text frame comes as null: servers send bytes only. */
  received(frame: Uint8Array | null): void;
  closed(): void;
}
