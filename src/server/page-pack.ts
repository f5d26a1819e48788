/**
 * The page as one file, `dist/page.bin`: everything a browser is given, each text in three encodings.
 *
 * One file, because the single executable carries it as one, because a start then reads it in one go, and
 * because a build replaces it in one renaming: a server never has half of an old page and half of a new one.
 *
 *     holdfast-page 1 STAMP\n    the stamp tells a build that nothing changed
 *     LENGTH\n                   of what follows, in bytes
 *     JSON                       PackedFile[], offsets counted from the end of the JSON
 *     bytes
 */
export const ENCODINGS = ["identity", "gzip", "br"] as const;
export type Encoding = (typeof ENCODINGS)[number];

/** From the first of these bytes, and so many. */
type Span = readonly [start: number, length: number];

type PackedFile = {
  readonly path: string;
  readonly type: string;
  /** The name holds a hash of what is in it, so it never changes. */
  readonly immutable: boolean;
  readonly etag: string;
  readonly spans: { readonly [E in Encoding]?: Span };
};

export type PageFile = Omit<PackedFile, "spans"> & {
  /** `identity` is always there; others where they are smaller. */
  readonly bodies: ReadonlyMap<Encoding, Uint8Array<ArrayBuffer>>;
};

export type PagePack = {
  readonly stamp: string;
  readonly files: ReadonlyMap<string, PageFile>;
};

const FORMAT = "holdfast-page 1";
const LINE = /^holdfast-page 1 ([\w-]+)\n(\d+)\n/;
const HEAD_BYTES_MAX = 200;

export function packPage(stamp: string, files: readonly PageFile[]): Uint8Array {
  const bodies: Uint8Array[] = [];
  let offset = 0;
  const packed = files.map(({ bodies: own, ...file }): PackedFile => {
    const spans = [...own].map(([encoding, bytes]): [Encoding, Span] => {
      const start = offset;
      offset += bytes.length;
      bodies.push(bytes);
      return [encoding, [start, bytes.length]];
    });
    return { ...file, spans: Object.fromEntries(spans) };
  });
  const list = Buffer.from(JSON.stringify(packed));
  const head = Buffer.from(`${FORMAT} ${stamp}\n${list.length}\n`);
  return new Uint8Array(Buffer.concat([head, list, ...bodies]));
}

/** null for bytes that are no page, or one of another format. */
export function readPack(bytes: Uint8Array<ArrayBuffer>): PagePack | null {
  const line = LINE.exec(Buffer.from(bytes.subarray(0, HEAD_BYTES_MAX)).toString("latin1"));
  if (line === null) return null;
  const [head, stamp = "", length] = line;
  const start = head.length + Number(length);
  if (start > bytes.length) return null;
  const list = Buffer.from(bytes.subarray(head.length, start)).toString("utf8");
  const files = (JSON.parse(list) as PackedFile[]).map(({ spans, ...file }): PageFile => {
    const bodies = ENCODINGS.flatMap((encoding): [Encoding, Uint8Array<ArrayBuffer>][] => {
      const span = spans[encoding];
      if (span === undefined) return [];
      const from = start + span[0];
      return [[encoding, bytes.subarray(from, from + span[1])]];
    });
    return { ...file, bodies: new Map(bodies) };
  });
  return { stamp, files: new Map(files.map((file) => [file.path, file])) };
}
