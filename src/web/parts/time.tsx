/** Moments, in the reader's own language and zone. */

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "long" });
const dayThisYear = new Intl.DateTimeFormat(undefined, {
  weekday: "long",
  day: "numeric",
  month: "long",
});
const dayOfAnyYear = new Intl.DateTimeFormat(undefined, { dateStyle: "long" });
const short = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const shortYear = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

/** `clock`: 14:05. `day`: Today, Monday, 3 March. `brief`: 14:05 today, else Mon, 3 Mar. `ago`: yesterday. */
export type TimeStyle = "clock" | "day" | "full" | "brief" | "ago";

export function Time({ ms, style }: { ms: number; style: TimeStyle }) {
  const date = new Date(ms);
  return (
    <time dateTime={date.toISOString()} title={style === "full" ? undefined : full.format(date)}>
      {timeText(ms, style, Date.now())}
    </time>
  );
}

export function timeText(ms: number, style: TimeStyle, nowMs: number): string {
  const date = new Date(ms);
  const days = daysBetween(ms, nowMs);
  const sameYear = date.getFullYear() === new Date(nowMs).getFullYear();
  switch (style) {
    case "clock":
      return clock.format(date);
    case "full":
      return full.format(date);
    case "ago":
      return days < 30 ? upper(relative.format(-days, "day")) : shortYear.format(date);
    case "brief":
      if (days === 0) return clock.format(date);
      return (sameYear ? short : shortYear).format(date);
    case "day":
      if (days === 0 || days === 1) return upper(relative.format(-days, "day"));
      if (days > 1 && days < 7) return weekday.format(date);
      return (sameYear ? dayThisYear : dayOfAnyYear).format(date);
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
