/**
 * The server's log, on standard error: lines for people on a terminal, JSON for machines elsewhere.
 *
 * Written synchronously: what was logged before a crash is what one wants to read after it. Passwords and
 * tokens are never handed to it; the list below is the second net.
 */
import { type Logger, pino } from "pino";
import pretty from "pino-pretty";
import type { LogFormat, LogLevel } from "./options.ts";

export type ServerLog = Logger;

const SECRET_FIELDS = ["password", "token", "secret", "authorization", "text", "body"];
const STANDARD_ERROR = 2;

export function openLogger(options: {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Colours, for `text`. */
  readonly colour: boolean;
  readonly server: string;
}): ServerLog {
  const { level, format, colour, server } = options;
  const settings = {
    level,
    base: { server },
    redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]), censor: "(secret)" },
    formatters: { level: (label: string) => ({ level: label }) },
  };
  if (format === "json") {
    return pino(settings, pino.destination({ dest: STANDARD_ERROR, sync: true }));
  }
  const stream = pretty({
    colorize: colour,
    destination: STANDARD_ERROR,
    sync: true,
    ignore: "server",
    translateTime: "SYS:HH:MM:ss.l",
    singleLine: true,
  });
  return pino(settings, stream);
}
