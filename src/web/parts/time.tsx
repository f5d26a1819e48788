/** Moments, in the reader's own language and zone. */

/** Made when first used: each takes the browser a while, and the first view needs two or three. */
const formats = new Map<string, Intl.DateTimeFormat>();
let relative: Intl.RelativeTimeFormat | undefined;

const FORMATS = {
  clock: { hour: "2-digit", minute: "2-digit" },
  weekday: { weekday: "long" },
  dayThisYear: { weekday: "long", day: "numeric", month: "long" },
  dayOfAnyYear: { dateStyle: "long" },
  short: { day: "numeric", month: "short" },
  shortYear: { dateStyle: "medium" },
  full: { dateStyle: "full", timeStyle: "medium" },
} as const satisfies Record<string, Intl.DateTimeFormatOptions>;

/** The first use of what a browser knows of languages takes it longest: it is had while something is waited for. */
export function readyTimes(): void {
  formatted(new Date(), "clock");
}

function formatted(date: Date, how: keyof typeof FORMATS): string {
  let format = formats.get(how);
  if (format === undefined) {
    format = new Intl.DateTimeFormat(undefined, FORMATS[how]);
    formats.set(how, format);
  }
  return format.format(date);
}

function daysAgo(days: number): string {
  relative ??= new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  return relative.format(-days, "day");
}

/** `clock`: 14:05. `day`: Today, Monday, 3 March. `brief`: 14:05 today, else Mon, 3 Mar. `ago`: yesterday. */
export type TimeStyle = "clock" | "day" | "full" | "brief" | "ago";

export function Time({ ms, style }: { ms: number; style: TimeStyle }) {
  const date = new Date(ms);
  return (
    <time
      dateTime={date.toISOString()}
      title={style === "full" ? undefined : formatted(date, "full")}
    >
      {timeText(ms, style, Date.now())}
    </time>
  );
}

export function timeText(ms: number, style: TimeStyle, nowMs: number): string {
  const date = new Date(ms);
  const days = () => daysBetween(ms, nowMs);
  const isThisYear = () => date.getFullYear() === new Date(nowMs).getFullYear();
  switch (style) {
    case "clock":
    case "full":
      return formatted(date, style);
    case "ago":
      return days() < 30 ? daysAgo(days()) : formatted(date, "shortYear");
    case "brief":
      if (days() === 0) return formatted(date, "clock");
      return formatted(date, isThisYear() ? "short" : "shortYear");
    case "day":
      if (days() === 0 || days() === 1) return upper(daysAgo(days()));
      if (days() > 1 && days() < 7) return formatted(date, "weekday");
      return formatted(date, isThisYear() ? "dayThisYear" : "dayOfAnyYear");
  }
}

/** Calendar days from `ms` to `nowMs`, in local time; a day of 23 or 25 hours is one day. */
function daysBetween(ms: number, nowMs: number): number {
  const noon = (at: number) => new Date(at).setHours(12, 0, 0, 0);
  return Math.round((noon(nowMs) - noon(ms)) / 86_400_000);
}

function upper(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
