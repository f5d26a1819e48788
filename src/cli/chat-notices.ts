/** Changes of membership in words. */
import type { ClientEvents } from "../client/index.ts";

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
