/** Keeps what a client shall remember in a folder, a file for each key, replaced as a whole. */
import { chmod, mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { KeptStorage } from "holdfast/client";

export function folderStorage(folder: string): KeptStorage {
  const fileOf = (key: string) => join(folder, encodeURIComponent(key));
  return {
    async list(prefix) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await chmod(folder, 0o700); // the token lies here
      const found: [string, string][] = [];
      for (const file of await readdir(folder)) {
        const key = decodeURIComponent(file);
        if (!key.startsWith(prefix) || key.endsWith("~")) continue;
        found.push([key, await readFile(join(folder, file), "utf8")]);
      }
      return found;
    },
    async set(key, value) {
      if (value === undefined) return rm(fileOf(key), { force: true });
      const file = await open(fileOf(`${key}~`), "w", 0o600);
      try {
        await file.writeFile(value);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(fileOf(`${key}~`), fileOf(key));
    },
  };
}
