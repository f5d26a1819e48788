/**
 * A copy of what the simulator runs, to plant faults in: the tree that people work in is never touched.
 *
 * A mutant is a change of text that must be found exactly once. Rejected: switches in the product for its own faults
 * (they would be there in production), and changes by line numbers (code that moved on would be hit somewhere else).
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { FaultKind } from "./plan.ts";

export type Mutant = {
  /** What is wrong, as an operator would hear of it. */
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly put: string;
  /** Nothing shows it but this: seeds whose plan has none of it are not run, and not counted. */
  readonly needs?: FaultKind;
};

const ROOT = dirname(import.meta.dir);
const COPIED = ["src", "sim", "package.json", "tsconfig.json"];

/** The file with the fault in it. Throws if its place is not found exactly once, or nothing would change. */
export function mutated({ name, file, find, put }: Mutant, text: string): string {
  const times = text.split(find).length - 1;
  if (times !== 1 || find === put) {
    const what = find === put ? "it changes nothing" : `its text is there ${times} times, not once`;
    throw new Error(`mutant "${name}": ${what} in ${file}: look how that code reads now`);
  }
  return text.replace(find, () => put);
}

export function textOf(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}

export class MutantTree {
  readonly root = mkdtempSync(join(tmpdir(), "holdfast-mutant-"));

  constructor() {
    for (const name of COPIED) cpSync(join(ROOT, name), join(this.root, name), { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), join(this.root, "node_modules"));
  }

  /** While `act` runs the fault is in the copy. */
  async with<T>(mutant: Mutant, act: () => Promise<T>): Promise<T> {
    const path = join(this.root, mutant.file);
    const before = readFileSync(path, "utf8");
    writeFileSync(path, mutated(mutant, before));
    try {
      return await act();
    } finally {
      writeFileSync(path, before);
    }
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
