/**
 * Every decoder that there is, and where the code reads what it was not written by itself.
 *
 * A file that parses something is found by what it calls; it must be named by a decoder here, or stand in
 * `EXEMPT` with the reason. So one that is added and not fuzzed is a complaint, and so is a reason that has gone.
 */
import { answerDecoders } from "./answers.ts";
import { clientDecoders } from "./clients.ts";
import { configDecoders } from "./config.ts";
import { diskDecoders } from "./disk.ts";
import { foldDecoders } from "./fold.ts";
import type { Decoder } from "./fuzz.ts";
import { linkDecoders } from "./link.ts";
import { pageDecoders } from "./page.ts";
import { peerDecoders } from "./peer.ts";
import { terminalDecoders } from "./terminal.ts";

export const ALL: readonly Decoder[] = [
  ...clientDecoders,
  ...terminalDecoders,
  ...pageDecoders,
  ...peerDecoders,
  ...linkDecoders,
  ...foldDecoders,
  ...configDecoders,
  ...diskDecoders,
  ...answerDecoders,
];

/** What reads: text or bytes become something else. */
const READS =
  /\bJSON\.parse\(|\bnew DataView\(|\bfromUtf8\(|\bparseToml\(|\bcreatePrivateKey\(|\bnew TextDecoder\(|\bCompile\(/;
const EXPORTED = /^export (?:async )?function ((?:parse|decode)[A-Z]\w*)/gm;

export const EXEMPT: Readonly<Record<string, string>> = {
  "src/cli/io.ts": "standard input as text, which goes on to those who read it",
  "src/protocol/openrpc.ts": "a copy of the document that it made itself",
  "src/storage/log-batch.ts": "between two threads of one process",
  "src/server/page-pack.ts": "a part of the release, made by its build",
  "src/storage/log-pages.ts": "pages of a damaged log, by src/storage/store-damage.test.ts",
  "src/storage/view-rows.ts":
    "the view: sealed, disposable, and damaged by src/storage/view.test.ts",
  "src/storage/view-messages.ts": "bodies that the fold took",
  "src/storage/view-dump.ts":
    "the view: sealed, disposable, and damaged by src/storage/view.test.ts",
  "src/storage/view-digest.ts": "writes a length only",
  "src/web/begin.ts": "what the page itself kept in the browser",
  "src/web/state/begun-socket.ts":
    "what the page itself asked, and answers that the SDK reads again",
  "src/web/state/first-words.ts": "what the page itself kept in the browser",
  "src/web/state/kept-session.ts": "what the page itself kept in the browser",
  "src/web/state/page-keep.ts": "what the page itself kept in the browser",
};

export type Source = { readonly path: string; readonly code: string };

/** What is wrong with the table, as complaints. */
export function complaintsAbout(
  sources: readonly Source[],
  decoders: readonly Pick<Decoder, "name" | "of">[] = ALL,
  exempt: Readonly<Record<string, string>> = EXEMPT,
): string[] {
  const named = new Set(decoders.flatMap(({ of }) => of));
  const covered = new Set([...named].map((place) => place.split(" ")[0] as string));
  const complaints: string[] = [];
  for (const { path, code } of sources) {
    const isCovered = covered.has(path);
    const isExempt = exempt[path] !== undefined;
    if (READS.test(code) && !isCovered && !isExempt)
      complaints.push(`${path}: reads, and is not fuzzed`);
    for (const [, name] of code.matchAll(EXPORTED)) {
      const isNamed = named.has(`${path} ${name}`);
      if (!isNamed && !isExempt) complaints.push(`${path}: ${name} is not fuzzed`);
    }
    if (isExempt && (isCovered || !READS.test(code)))
      complaints.push(`${path}: needs no exemption`);
  }
  const codeOf = new Map(sources.map(({ path, code }) => [path, code]));
  for (const place of named) {
    const [path = "", name = ""] = place.split(" ");
    if (!new RegExp(`\\b${name}\\b`).test(codeOf.get(path) ?? ""))
      complaints.push(`${place}: is not there`);
  }
  for (const path of Object.keys(exempt)) {
    if (!codeOf.has(path)) complaints.push(`${path}: is exempt and not there`);
  }
  return complaints;
}
