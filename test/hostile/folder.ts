/** A folder for files that are written and read a million times: in memory where the system has such a place. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const IN_MEMORY = "/dev/shm";

export function hostileFolder(): string {
  const folder = mkdtempSync(
    join(existsSync(IN_MEMORY) ? IN_MEMORY : tmpdir(), "holdfast-hostile-"),
  );
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
