/**
 * A server's syncs and wall clock in the rig's hand, by preload.c and a file that the server maps.
 *
 * Rejected: ptrace (ten times slower, and it shows); a device-mapper target that fails (not in every kernel); setting
 * the machine's clock (the clients and the rig live on it).
 */
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SOURCE = join(import.meta.dir, "preload.c");
const BYTES = 64;
// The members of `struct control`.
const SYNC_AT = 0;
const STALL_AT = 4;
const OFFSET_AT = 8;
const SYNCS_AT = 16;
const READINGS_AT = 24;

export type Syncs = "work" | "fail" | { readonly stallMs: number };

let built: { readonly library: string } | { readonly missing: string } | null = null;

function build(): { readonly library: string } | { readonly missing: string } {
  if (process.platform !== "linux") return { missing: "needs Linux" };
  if (Bun.which("cc") === null) return { missing: "needs a C compiler, cc" };
  const folder = mkdtempSync(join(tmpdir(), "holdfast-preload-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const library = join(folder, "preload.so");
  const command = ["cc", "-O2", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"];
  const { exitCode, stderr } = Bun.spawnSync(command);
  return exitCode === 0 ? { library } : { missing: `cc failed: ${`${stderr}`.slice(0, 200)}` };
}

/** Why there is none here; null if there is. */
export function whyNoPreload(): string | null {
  built ??= build();
  return "missing" in built ? built.missing : null;
}

export class Preload {
  private readonly file: string;

  /** `file`: where the server looks for what to do. */
  constructor(file: string) {
    this.file = file;
    writeFileSync(file, Buffer.alloc(BYTES));
  }

  /** Before the command of the server; nothing where there is no preload. */
  get by(): string[] {
    if (whyNoPreload() !== null || built === null || !("library" in built)) return [];
    return ["env", `LD_PRELOAD=${built.library}`, `TORTURE_CONTROL=${this.file}`];
  }

  /** Its clock is so far ahead of this machine's. */
  set clockOffsetMs(ms: number) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(Math.round(ms)));
    this.write(bytes, OFFSET_AT);
  }

  set syncs(how: Syncs) {
    const [stallMs, mode] =
      typeof how === "object" ? [how.stallMs, 2] : [0, how === "fail" ? 1 : 0];
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(stallMs);
    this.write(bytes, STALL_AT);
    bytes.writeInt32LE(mode);
    this.write(bytes, SYNC_AT);
  }

  /** Calls that went through it so far: proof that it is there. */
  get calls(): { readonly syncs: number; readonly readings: number } {
    const control = readFileSync(this.file);
    const read = (at: number) => Number(control.readBigInt64LE(at));
    return { syncs: read(SYNCS_AT), readings: read(READINGS_AT) };
  }

  /** These bytes only: the server counts in others. */
  private write(bytes: Buffer, at: number): void {
    const fd = openSync(this.file, "r+");
    try {
      writeSync(fd, new Uint8Array(bytes), 0, bytes.length, at);
    } finally {
      closeSync(fd);
    }
  }
}
