/**
 * The next release, as far as a test of upgrades needs one: this source in a folder of its own, with a few changes.
 *
 * It speaks one more version of the links, says more in every text to its peers, and mints ops of a kind that this
 * release does not know (what changes a display name). Each change must find its place exactly once, so that none is
 * lost when the code moves on. Rejected: keeping executables of old releases (what they can't do, none of them can).
 */
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { scratch } from "./server-process.ts";

const ROOT = dirname(import.meta.dir);
/** Of the ops that only the next release knows. */
export const NEXT_KIND = 9_001;

const KIND = `export const accountStyle = declareKind({
  number: ${NEXT_KIND},
  name: "account.style",
  scope: "none",
  data: Type.Object({ version: Version }),
  body: Type.Object({ displayName: Type.String() }),
  subjects: own,
  apply(view, parsed, subject) {
    if (subject.table !== "account" || parsed.body === null) return;
    const value = "~" + parsed.body.displayName + "~";
    const { version } = parsed.data;
    const { at } = parsed;
    changeAccount(view, subject.key, (state) => ({
      ...state,
      displayName: merge(state.displayName, { value, version, at }),
    }));
  },
});

`;

type Change = { readonly file: string; readonly find: string; readonly put: string };
const CHANGES: readonly Change[] = [
  {
    file: "src/protocol/peer.ts",
    find: "export const PEER_VERSION = 1;",
    put: "export const PEER_VERSION = 2;",
  },
  {
    file: "src/protocol/peer-codec.ts",
    find: "return JSON.stringify(message);",
    put: "return JSON.stringify({ ...message, more: { of: [2] } });",
  },
  {
    file: "src/ops/account.ts",
    find: "export const accountRename = declareKind({",
    put: `${KIND}export const accountRename = declareKind({`,
  },
  {
    file: "src/ops/kinds.ts",
    find: "  accountRename,\n  accountUpdate,\n} from",
    put: "  accountRename,\n  accountStyle,\n  accountUpdate,\n} from",
  },
  {
    file: "src/ops/kinds.ts",
    find: "  accountUpdate, // 2",
    put: "  accountUpdate,\n  accountStyle,",
  },
  {
    file: "src/gateway/commands/account.ts",
    find: "  accountUpdate,\n",
    put: "  accountStyle,\n",
  },
  {
    file: "src/gateway/commands/account.ts",
    find: "kind: accountUpdate,",
    put: "kind: accountStyle,",
  },
];

/** The command of the next release; its folder goes with the test. */
export function nextRelease(): readonly string[] {
  const folder = join(scratch(), "next");
  mkdirSync(folder);
  for (const name of ["src", "package.json", "tsconfig.json"]) {
    cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  }
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  if (existsSync(join(ROOT, "dist"))) symlinkSync(join(ROOT, "dist"), join(folder, "dist"));
  for (const { file, find, put } of CHANGES) {
    const path = join(folder, file);
    const text = readFileSync(path, "utf8");
    const times = text.split(find).length - 1;
    if (times !== 1)
      throw new Error(`${file} has ${JSON.stringify(find)} ${times} times, not once`);
    writeFileSync(
      path,
      text.replace(find, () => put),
    );
  }
  return [process.execPath, "--no-env-file", join(folder, "src/cli/main.ts")];
}
