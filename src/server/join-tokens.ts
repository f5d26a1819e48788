/**
 * Join tokens that this server made, in the file `join-tokens` of its data directory: what each is worth, until
 * when, and who has used it.
 *
 * A token is spent for one server, known by its key: that one may ask again as long as the token is good, so a
 * newcomer whose first attempt broke off is not locked out. It is spent on disk before anything follows from
 * it. Rejected: an op (tokens that all servers honour are used twice in a partition, and a log is for ever).
 */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import Type, { type Static } from "typebox";
import { Compile } from "typebox/compile";
import { fromBase64Url, toBase64Url } from "../core/bytes.ts";
import { Refusal } from "../core/errors.ts";
import { type LinkSecret, linkSecret } from "../mesh/link-secret.ts";
import type { LinkRefusal } from "../mesh/refusals.ts";
import { Bytes32 } from "../protocol/peer-hello.ts";
import { writeWhole } from "./keyring.ts";

export const JOIN_TOKENS_FILE = "join-tokens";
export const JOIN_TOKENS_FILES: readonly string[] = [JOIN_TOKENS_FILE, `${JOIN_TOKENS_FILE}.new`];
const TOKENS_MAX = 64;
const FILE_BYTES_MAX = 64 * 1024;

const Stored = Type.Object({
  join: Bytes32,
  expiresMs: Type.Integer({ minimum: 0 }),
  /** Key of the server that it was spent for; empty as long as there is none. */
  spentFor: Type.String({ maxLength: 64 }),
});
const File = Compile(Type.Object({ tokens: Type.Array(Stored, { maxItems: TOKENS_MAX }) }));
type Token = Static<typeof Stored> & { readonly secret: LinkSecret };

export class JoinTokens {
  private readonly path: string;
  private readonly wallMs: () => number;
  private tokens: readonly Token[];
  private last: Promise<unknown> = Promise.resolve();

  /** A file that can't be read, or is none of ours, counts as no tokens: each is made anew in a moment. */
  constructor(data: string, wallMs: () => number) {
    this.path = join(data, JOIN_TOKENS_FILE);
    this.wallMs = wallMs;
    this.tokens = read(this.path);
  }

  private find(id: string): Token | undefined {
    return this.tokens.find(({ secret }) => secret.id === id);
  }

  secret(id: string): LinkSecret | null {
    return this.find(id)?.secret ?? null;
  }

  /** Whether the server with this key may join by it. */
  judge(id: string, key: string): LinkRefusal | null {
    const token = this.find(id);
    if (token === undefined) return "token_unknown";
    if (token.spentFor !== "" && token.spentFor !== key) return "token_spent";
    return this.wallMs() >= token.expiresMs ? "token_expired" : null;
  }

  /** The key of a new one; resolves when it is stored. Throws Refusal. */
  async make(expiresMs: number): Promise<string> {
    const nowMs = this.wallMs();
    const kept = this.tokens.filter((token) => token.expiresMs > nowMs);
    if (kept.length >= TOKENS_MAX) {
      const what = `${kept.length} join tokens of this server are good still: let some expire first`;
      throw new Refusal("too_large", what);
    }
    const key = crypto.getRandomValues(new Uint8Array(32));
    const token = { join: toBase64Url(key), expiresMs, spentFor: "", secret: linkSecret(key) };
    // Those that expired are known as such as long as there is room.
    const old = this.tokens.filter((one) => !kept.includes(one));
    this.tokens = [...old.slice(kept.length + 1 - TOKENS_MAX), ...kept, token];
    await this.store();
    return token.join;
  }

  /** For the server with this key, and no other from this moment on. Throws if it can't be stored. */
  async spend(id: string, key: string): Promise<void> {
    this.tokens = this.tokens.map((one) =>
      one.secret.id === id ? { ...one, spentFor: key } : one,
    );
    await this.store();
  }

  private store(): Promise<void> {
    const work = () => {
      const tokens = this.tokens.map(({ secret: _, ...stored }) => stored);
      return writeWhole(this.path, `${JSON.stringify({ tokens }, null, 2)}\n`);
    };
    const next = this.last.then(work, work);
    this.last = next.catch(() => {});
    return next;
  }
}

function read(path: string): Token[] {
  try {
    if (statSync(path).size > FILE_BYTES_MAX) return [];
    const file: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (!File.Check(file)) return [];
    return file.tokens.map((token) => {
      const key = fromBase64Url(token.join) as Uint8Array;
      return { ...token, secret: linkSecret(key) };
    });
  } catch {
    return [];
  }
}
