/** Ranges of a view's logical tables, and what is told of them when servers are compared. */

/** In the order of the canonical dump. */
export const LOGICAL_TABLES = [
  "account",
  "session",
  "channel",
  "member",
  "name",
  "marker",
  "invitation",
  "setting",
  "server",
  "direct",
  "message",
] as const;

export type LogicalTable = (typeof LOGICAL_TABLES)[number];

/** What a row is named by: one or more texts, ordered as bytes. */
export type RowKey = readonly string[];

export type RangeAsk = {
  readonly table: string;
  /** The range begins behind this key; null for the first row of the table. */
  readonly after: RowKey | null;
  /** It ends with this key; null for the last row of the table. */
  readonly upTo: RowKey | null;
  readonly rowsMax: number;
  /** Name the rows. */
  readonly keys: boolean;
};

export type RangeDigest = {
  readonly rows: number;
  /** Sum of the rows' hashes, 32 characters of hex. */
  readonly digest: string;
  /** The last key that was counted, if there were more rows than asked for; null: the range was finished. */
  readonly end: RowKey | null;
  /** Digest of the version vector of which this is; empty where a hole in the log hides it. */
  readonly vector: string;
  /** How many ops that is. */
  readonly ops: number;
  /** Key and hash of each row, if they were asked for. */
  readonly keys?: readonly (readonly [key: RowKey, hash: string])[];
};
