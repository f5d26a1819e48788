/** What the demo says, as lines of spans: laid out for the width of the screen by whoever shows them. */
import { calledAs } from "../../server/own-command.ts";
import { bold, dim, plain, type Span, warn } from "../paint.ts";
import { printable } from "../printable.ts";
import { DEFAULT_SERVER } from "../reach.ts";
import type { End } from "./server-child.ts";

/** Something to say. */
export type Text = {
  readonly spans: readonly Span[];
  /** Never broken by us: it is to be copied. */
  readonly isWhole: boolean;
};
export type Address = { readonly name: string; readonly url: string };

export const text = (...spans: Span[]): Text => ({ spans, isWhole: false });
const whole = (...spans: Span[]): Text => ({ spans, isWhole: true });

export function addressLines(addresses: readonly Address[]): Text[] {
  return addresses.map(({ name, url }) => whole(bold(`  ${name}`), plain(`  ${url}`)));
}

export function welcomeLines(parts: {
  readonly version: string;
  readonly folder: string;
  readonly addresses: readonly Address[];
  /** Ports that were wished for and are taken by others. */
  readonly taken: readonly number[];
  readonly setup: string | null;
}): Text[] {
  const { version, folder, addresses, taken, setup } = parts;
  const [{ url } = { url: "" }] = addresses;
  const where = url === DEFAULT_SERVER ? "" : ` --server ${url}`;
  const chat = (more: string) => whole(plain(`  ${calledAs} chat${where}${more}`));
  const lines = [
    text(
      bold(`Holdfast ${version}: three servers`),
      plain(`, each holds everything, in ${folder}`),
    ),
    ...addressLines(addresses),
  ];
  if (taken.length > 0) {
    lines.push(text(dim(`  (in use by other programs: ${taken.join(", ")})`)));
  }
  if (setup === null) {
    lines.push(
      text(plain("Open one of them in a browser, or chat from a second terminal:")),
      chat(""),
    );
  } else {
    const first =
      "There is no administrator yet. Who opens this makes an account that is one; it works once:";
    lines.push(
      text(plain(first)),
      whole(bold(`  ${url}/#/join/${setup}`)),
      text(plain("Or from a second terminal:")),
      chat(` --invitation ${setup}`),
    );
  }
  return lines;
}

export const TRY_LINES: readonly Text[] = [
  text(),
  text(
    plain("Say something there. Then "),
    bold("kill a"),
    plain(" here, and "),
    bold("kill b"),
    plain(": it goes on. "),
    bold("help"),
    plain(" lists what else can be tried."),
  ),
];

const HELP: readonly (readonly [string, string])[] = [
  ["kill b", "ends it at once, as kill -9 or a power cut does; kill a b: both"],
  ["freeze b", "stops it in its tracks: silent, its port open"],
  ["thaw b", "lets it go on"],
  ["stop b", "ends it in good order"],
  ["start b", "starts it again; start: all that don't run"],
  ["cut a c", "cuts the link between these two, both ways"],
  ["heal", "mends all links"],
  ["status", "who is there, what may still fail; status b: as b sees it"],
  ["open", "the addresses"],
  ["exit", "stops all; they remember everything. Ctrl+C, too"],
];

export function helpLines(): Text[] {
  const width = Math.max(...HELP.map(([word]) => word.length));
  return HELP.map(([word, words]) => text(bold(`  ${word.padEnd(width)}`), plain(`  ${words}`)));
}

export function endLines(name: string, logFile: string, end: End): Text[] {
  const { code, signal, isAsked, lastWords } = end;
  if (isAsked)
    return [text(plain(signal === "SIGKILL" ? `${name} is killed` : `${name} has stopped`))];
  const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
  const words = `${name} ended ${how}, and nobody here told it to. Its last words:`;
  return [
    text(warn(words)),
    ...lastWords.map((line) => text(dim(`  ${printable(line)}`))),
    text(dim(`  (all of them are in ${logFile})`)),
  ];
}
