/** What all contestants of one contest can do, so that the same load is put on each. */

/** 200 characters, as in all rows. */
export const TEXT = "x".repeat(200);

/** A store of messages on several servers: takes one, and says so when it has it. */
export interface Store {
  /** Resolves when the write is acknowledged; rejects when it is refused or its server is gone. */
  write(): Promise<void>;
  /** CPU time of all its servers so far, s. */
  cpuSeconds(): number | Promise<number>;
  /** Kills servers: first the one that others wait for (a leader), where there is one. Writes go to another one. */
  killOne(): Promise<void>;
  end(): Promise<void>;
}

/** A server that passes messages on: from one to another, and from one to a room. */
export interface Relay {
  /** Sends one to the receiver; `received` counts what came there. */
  sendToOne(): void;
  sendToRoom(): void;
  /** Messages that came to the one receiver, and to all in the room together. */
  readonly received: number;
  readonly receivedInRoom: number;
  cpuSeconds(): number;
  end(): Promise<void>;
}

export type Contestant<T> = {
  readonly name: string;
  /** What is on which disk when a write is acknowledged, or that nothing is kept. */
  readonly durable: string;
  /** Why it can't take part here; null if it can. */
  readonly missing: string | null;
  start(folder: string): Promise<T>;
};
