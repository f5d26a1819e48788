/** Files of a data directory, looked at and damaged from outside. */
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

/** Every file below a folder with its bytes' hash, size and mode. */
export function fingerprint(directory: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(directory, { recursive: true, encoding: "utf8" }).sort()) {
    const path = join(directory, name);
    const stat = statSync(path);
    const hash = stat.isFile()
      ? new Bun.CryptoHasher("sha256").update(readFileSync(path)).digest("hex")
      : "folder";
    found[name] = `${hash} ${stat.size} ${stat.mode.toString(8)}`;
  }
  return found;
}

/** The files below a folder that hold one of these words, as `file: word`. */
export function filesWith(directory: string, words: readonly string[]): string[] {
  const found: string[] = [];
  for (const name of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
    const path = join(directory, name);
    let bytes: Buffer;
    try {
      if (!existsSync(path) || !statSync(path).isFile()) continue;
      bytes = readFileSync(path);
    } catch {
      continue; // it was there a moment ago
    }
    for (const word of words) if (bytes.includes(word)) found.push(`${name}: ${word}`);
  }
  return found;
}

/** A new disk for a server that is dead; its key is in the safe. */
export function wipe(directory: string): void {
  for (const file of readdirSync(directory)) {
    if (file !== "key") rmSync(join(directory, file), { recursive: true });
  }
}
