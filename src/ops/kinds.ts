/**
 * The registry of kinds. A number is never reused; a retired kind stays here as long as logs may hold it.
 * Servers store and pass on kinds that they do not know.
 */
import {
  accountAdmin,
  accountCreate,
  accountDelete,
  accountDisable,
  accountPassword,
  accountRename,
  accountUpdate,
} from "./account.ts";
import { channelCreate, channelUpdate } from "./channel.ts";
import { invitationCreate, invitationRevoke } from "./invitation.ts";
import type { Kind } from "./kind.ts";
import { markerSet } from "./marker.ts";
import { memberHandOver, memberSet } from "./member.ts";
import { messageDelete, messageEdit, messagePost } from "./message.ts";
import { serverAdd, serverRemove } from "./server.ts";
import { sessionEnd, sessionOpen, sessionToken } from "./session.ts";
import { settingSet } from "./setting.ts";

const REGISTERED = [
  accountCreate, // 1
  accountUpdate, // 2
  accountRename, // 3
  accountPassword, // 4
  accountDelete, // 5
  accountAdmin, // 6
  accountDisable, // 7
  sessionOpen, // 10
  sessionToken, // 11
  sessionEnd, // 12
  channelCreate, // 20
  channelUpdate, // 21
  memberSet, // 30
  memberHandOver, // 31
  messagePost, // 40
  messageEdit, // 41
  messageDelete, // 42
  markerSet, // 50
  invitationCreate, // 60
  invitationRevoke, // 61
  settingSet, // 70
  serverAdd, // 80
  serverRemove, // 81
] as const;

export const KINDS: ReadonlyMap<number, Kind> = new Map(
  REGISTERED.map((kind) => [kind.number, kind as unknown as Kind]),
);
