/** How this program is called: from a checkout by npm and Bun, installed as one executable by its name. */
const isExecutable = import.meta.url.includes("/$bunfs/");

/** For people, before the name of a command. */
export const calledAs = isExecutable ? "holdfast" : "npm run -s holdfast --";

/** For a process of its own, before its arguments. */
export const commandLine: readonly string[] = isExecutable
  ? [process.execPath]
  : [process.execPath, "--no-env-file", Bun.main];
