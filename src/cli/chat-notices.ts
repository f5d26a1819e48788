/** What happens beside the messages, in words: changes of membership, and on how many servers one's own are. */
import type { ClientEvents, Receipt } from "../client/index.ts";

/** `undefined` for what needs no words, such as one's own joining: the command answers that. */
export function membershipNotice(
  { account, standing }: ClientEvents["member.changed"],
  own: boolean,
  channel: string,
): string | undefined {
  switch (standing) {
    case "owner":
    case "member":
      return own ? undefined : `${account.name} is in ${channel}`;
    case "invited":
      return own
        ? `you are invited to ${channel}: /join ${channel}`
        : `${account.name} is invited to ${channel}`;
    case "banned":
      return own ? `you are banned from ${channel}` : `${account.name} is banned from ${channel}`;
    case "none":
      return own
        ? `you are not in ${channel} any more`
        : `${account.name} is not in ${channel} any more`;
    default:
      return standing satisfies never;
  }
}

/** Tells on how many servers messages are stored, when those are fewer than there are, and when that is over. */
export class StoredNotices {
  private told: string | undefined;

  /** What to say about the next message that was stored; undefined if it is as it was before. */
  next({ held, of }: Receipt): string | undefined {
    const isWhole = held.length >= of;
    const words = isWhole
      ? undefined
      : `stored on ${held.length} of ${of} servers (${[...held].sort().join(", ")})`;
    if (words === this.told) return undefined;
    this.told = words;
    return words ?? `stored on all ${of} servers again`;
  }
}
