/** Whom a change concerns: the same rule for what is sent live and for what a resume replays. */
import type { AccountId } from "../core/ids.ts";
import type { Op } from "../core/op.ts";
import type { FeedScope } from "../core/read-view.ts";
import type { Subject } from "../core/view.ts";
import { accountCreate, accountPassword } from "./account.ts";
import { splitMemberKey } from "./member.ts";

/** Who is told that an op changed a subject. */
export function feedScopes(subject: Subject, op: Op): FeedScope[] {
  switch (subject.table) {
    case "message":
      return [subject.conversation];
    case "member": {
      const { channel, account } = splitMemberKey(subject.key);
      return [channel, account];
    }
    case "channel":
      return [subject.key];
    case "account":
      return op.kind === accountCreate.number || op.kind === accountPassword.number
        ? []
        : ["everybody"];
    case "marker":
      return [subject.key.split(" ")[0] as AccountId];
    case "session":
    case "invitation":
    case "setting":
    case "server":
      return [];
  }
}
