/** The executable that is tortured: the one that people get, built anew of this checkout unless one is named. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

const ROOT = dirname(import.meta.dir);

export type Executables = {
  /** What servers start with, if it is not the newer one. */
  readonly older: string | null;
  readonly newer: string;
};

/** Throws what the build said. */
export function executableOf(given: string | null): string {
  if (given !== null) return resolve(given);
  const file = join(mkdtempSync(join(tmpdir(), "holdfast-executable-")), "holdfast");
  process.once("exit", () => Bun.spawnSync(["rm", "-rf", dirname(file)]));
  const build = ["node", join(ROOT, "scripts", "build-bin.mjs"), file];
  const { exitCode, stdout, stderr } = Bun.spawnSync(build, { cwd: ROOT });
  if (exitCode !== 0) throw new Error(`the build failed:\n${stdout}\n${stderr}`);
  return file;
}
