/**
 * Do all servers show the same? Compares their views range by range, and names the first row that differs.
 *
 * Problem: servers that take writes are never at one vector for long, and a view may have millions of rows.
 * Approach: the first server cuts a table into ranges, the others tell what they have of the same ones. Equal
 * sums are equal rows, whatever the vectors were. Where sums differ the keys of the rows are compared, and those
 * that differ are looked at again and again for some seconds: what was only on its way is equal then, what stays
 * apart is a difference. It is certain where it was seen at equal vectors. Once one is found the other ranges
 * are only summed. Rejected: stopping writes for the comparison; comparing one digest of everything (says
 * nothing while there is traffic, and never which row it is).
 */
import { DIGEST_KEYS_MAX, DIGEST_ROWS_MAX } from "../core/limits.ts";
import {
  LOGICAL_TABLES,
  type RangeAsk,
  type RangeDigest,
  type RowKey,
} from "../core/view-range.ts";
import { compareKeys, RowSum } from "../storage/view-digest.ts";

/** How long what differs is waited for, ms before each look: about six seconds in all. */
const LOOKS_MS = [50, 100, 200, 400, 800, 1_600, 3_000];
/** Rows that are followed from look to look. */
const FOLLOWED_MAX = 1_000;

export type AskRange = (server: string, range: RangeAsk) => Promise<RangeDigest>;

export type Comparing = {
  readonly servers: readonly string[];
  readonly ask: AskRange;
  readonly wait: (ms: number) => Promise<unknown>;
  readonly onProgress?: (table: string, rows: number) => void;
};

export type ServerSum = { readonly rows: number; readonly digest: string };
export type TableComparison = {
  readonly table: string;
  readonly isSame: boolean;
  /** By server, in the order in which they were given. */
  readonly sums: Readonly<Record<string, ServerSum>>;
};

/** A row that is not the same everywhere; null where a server has none. */
export type Difference = {
  readonly table: string;
  readonly key: RowKey;
  readonly hashes: Readonly<Record<string, string | null>>;
};

export type Comparison = {
  /**
   * `unsettled`: something differed as long as it was looked at, but the servers were never at one vector
   * meanwhile: one of them lacks ops, or there was too much traffic.
   */
  readonly verdict: "same" | "different" | "unsettled";
  readonly tables: readonly TableComparison[];
  readonly first: Difference | null;
  /** As of the last range: of which vector, and how many ops. */
  readonly vectors: Readonly<Record<string, Pick<RangeDigest, "vector" | "ops">>>;
};

type Piece = {
  readonly table: string;
  readonly after: RowKey | null;
  readonly upTo: RowKey | null;
};
type Answers = readonly RangeDigest[];
type Rows = ReadonlyMap<string, Difference>;
/** `certain`: the first that differs although the servers were at one vector. */
type Look = { readonly rows: Rows; readonly certain: Difference | null };

/** Throws what asking throws. */
export function compareViews(comparing: Comparing): Promise<Comparison> {
  return new ViewComparison(comparing).run();
}

class ViewComparison {
  private readonly given: Comparing;
  private readonly vectors: Record<string, Pick<RangeDigest, "vector" | "ops">> = {};
  private first: Difference | null = null;
  private isCertain = false;

  constructor(given: Comparing) {
    this.given = given;
  }

  async run(): Promise<Comparison> {
    const tables: TableComparison[] = [];
    for (const table of LOGICAL_TABLES) tables.push(await this.table(table));
    const { first, vectors } = this;
    const isSame = tables.every((table) => table.isSame);
    const verdict = isSame ? "same" : this.isCertain ? "different" : "unsettled";
    return { verdict, tables, first, vectors };
  }

  private async table(table: string): Promise<TableComparison> {
    const { servers, onProgress } = this.given;
    const sums = servers.map(() => new RowSum());
    let isSame = true;
    let after: RowKey | null = null;
    do {
      let [piece, answers]: [Piece, Answers] = await this.cut(
        { table, after, upTo: null },
        DIGEST_ROWS_MAX,
        false,
      );
      if (!agree(answers)) {
        answers = await this.settle(piece, answers);
        isSame &&= agree(answers);
      }
      for (const [i, { rows, digest }] of answers.entries()) sums[i]?.addDigest(rows, digest);
      after = piece.upTo;
      onProgress?.(table, sums[0]?.rows ?? 0);
    } while (after !== null);
    const entries = servers.map((server, i) => {
      const { rows, digest } = sums[i] as RowSum;
      return [server, { rows, digest }] as const;
    });
    return { table, isSame, sums: Object.fromEntries(entries) };
  }

  /** What all have of the first so many rows that the first server has of a piece. */
  private async cut(piece: Piece, rows: number, keys: boolean): Promise<[Piece, Answers]> {
    const { servers } = this.given;
    const lead = await this.ask(servers[0] as string, { ...piece, rowsMax: rows, keys });
    const cut = { ...piece, upTo: lead.end ?? piece.upTo };
    const others = servers
      .slice(1)
      .map((server) => this.ask(server, { ...cut, rowsMax: rows, keys }));
    return [cut, [{ ...lead, end: null }, ...(await Promise.all(others))]];
  }

  private async ask(server: string, range: RangeAsk): Promise<RangeDigest> {
    const found = await this.given.ask(server, range);
    this.vectors[server] = { vector: found.vector, ops: found.ops };
    return found;
  }

  /** Looks again until all agree, or it is plain that they don't; what they are to be taken to have. */
  private async settle(piece: Piece, answers: Answers): Promise<Answers> {
    if (this.first !== null) return answers;
    let stuck: Rows | null = null;
    for (const ms of LOOKS_MS) {
      await this.given.wait(ms);
      const { rows, certain } = await this.look(piece);
      this.isCertain = certain !== null;
      stuck =
        certain !== null ? new Map([["", certain]]) : stuck === null ? rows : stillSo(stuck, rows);
      if (this.isCertain || stuck.size === 0) break;
    }
    const [first] = [...(stuck ?? []).values()] as (Difference | undefined)[];
    if (first !== undefined) {
      this.first = first;
      return answers;
    }
    // What differed was on its way: a range that is whole now, and changes again the moment after.
    return answers.map(() => ({ ...(answers[0] as RangeDigest), end: null }));
  }

  /** The rows of a piece that differ now, in their order. */
  private async look(piece: Piece): Promise<Look> {
    const { servers } = this.given;
    const rows = new Map<string, Difference>();
    let certain: Difference | null = null;
    let { after } = piece;
    do {
      const [part, answers] = await this.cut({ ...piece, after }, DIGEST_KEYS_MAX, true);
      const found = agree(answers) ? [] : differences(part.table, servers, answers);
      if (isOneVector(answers)) certain ??= found[0] ?? null;
      for (const difference of found) {
        if (rows.size < FOLLOWED_MAX) rows.set(difference.key.join("\0"), difference);
      }
      after = part.upTo;
    } while (after !== null && after !== piece.upTo);
    return { rows, certain };
  }
}

/** Whether all have the same rows of a range, each of them all of it. */
function agree(answers: Answers): boolean {
  const [first] = answers;
  return answers.every(
    ({ rows, digest, end }) => rows === first?.rows && digest === first.digest && end === null,
  );
}

function isOneVector(answers: Answers): boolean {
  const [first] = answers;
  return answers.every(({ vector }) => vector !== "" && vector === first?.vector);
}

/** Those that differ in the same way as before. */
function stillSo(before: Rows, now: Rows): Rows {
  return new Map(
    [...now].filter(([key, { hashes }]) => {
      const was = before.get(key)?.hashes;
      return was !== undefined && JSON.stringify(was) === JSON.stringify(hashes);
    }),
  );
}

function differences(table: string, servers: readonly string[], answers: Answers): Difference[] {
  const keys = new Map<string, RowKey>();
  const hashes = answers.map((answer) => {
    const own = new Map<string, string>();
    for (const [key, hash] of answer.keys ?? []) {
      keys.set(key.join("\0"), key);
      own.set(key.join("\0"), hash);
    }
    return own;
  });
  // A server that has more rows than it could tell says nothing of those behind the last one.
  const bound = answers.reduce<RowKey | null>(
    (least, { end }) =>
      end !== null && (least === null || compareKeys(end, least) < 0) ? end : least,
    null,
  );
  const found: Difference[] = [];
  for (const [text, key] of keys) {
    if (bound !== null && compareKeys(key, bound) > 0) continue;
    const all = servers.map((server, i) => [server, hashes[i]?.get(text) ?? null] as const);
    if (new Set(all.map(([, hash]) => hash)).size === 1) continue;
    found.push({ table, key, hashes: Object.fromEntries(all) });
  }
  return found.sort((a, b) => compareKeys(a.key, b.key));
}
