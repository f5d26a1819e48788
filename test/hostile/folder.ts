/** Folders for files that are written and read a million times: in memory where the system has such a place. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const IN_MEMORY = "/dev/shm";
const all: HostileFolder[] = [];

/** Made when it is needed, anew after its end. */
export class HostileFolder {
  private made: string | null = null;

  constructor() {
    all.push(this);
  }

  get path(): string {
    if (this.made !== null) return this.made;
    const place = existsSync(IN_MEMORY) ? IN_MEMORY : tmpdir();
    this.made = mkdtempSync(join(place, "holdfast-hostile-"));
    return this.made;
  }

  remove(): void {
    if (this.made !== null) rmSync(this.made, { recursive: true, force: true });
    this.made = null;
  }
}

/** For the end of the tests of a file. */
export function removeFolders(): void {
  for (const folder of all) folder.remove();
}
