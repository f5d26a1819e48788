import { Refusal } from "../../core/errors.ts";
import * as limits from "../../core/limits.ts";
import type { Result } from "../../protocol/methods.ts";
import { PROTOCOL_VERSION, PROTOCOL_VERSION_MIN } from "../../protocol/version.ts";
import type { CatchUpProgress } from "../../replica/catch-up.ts";
import type { ServerStatus as ReplicaServerStatus } from "../../replica/status.ts";
import type { Commands } from "../command.ts";
import type { SignUpPolicy } from "../ports.ts";
import type { Services } from "../services.ts";
import { hasAdmin } from "../setup.ts";

type ServerRow = Result<"server.status">["servers"][number];

/** The bounds that clients meet. */
const TOLD = {
  messageCharactersMax: limits.MESSAGE_CHARACTERS_MAX,
  displayNameCharactersMax: limits.DISPLAY_NAME_CHARACTERS_MAX,
  topicCharactersMax: limits.TOPIC_CHARACTERS_MAX,
  passwordCharactersMin: limits.PASSWORD_CHARACTERS_MIN,
  passwordCharactersMax: limits.PASSWORD_CHARACTERS_MAX,
  frameBytesMax: limits.FRAME_BYTES_MAX,
  requestsInFlightMax: limits.REQUESTS_IN_FLIGHT_MAX,
  historyPageMax: limits.HISTORY_PAGE_MAX,
  listPageMax: limits.LIST_PAGE_MAX,
  searchPageMax: limits.SEARCH_PAGE_MAX,
  resumeEventsMax: limits.RESUME_EVENTS_MAX,
  beatIntervalMs: limits.BEAT_INTERVAL_MS,
  signInDeadlineMs: limits.SIGN_IN_DEADLINE_MS,
} as const;

/** The policy that holds: an admin's setting, or else what the server was started with. */
export function signUpPolicy({ view, signUpDefault }: Services): SignUpPolicy {
  const setting = view.get("setting", "sign-up")?.value;
  return setting === "open" || setting === "invitation" || setting === "closed"
    ? setting
    : signUpDefault;
}

/** Members that are null are left out. */
function told<T extends object>(members: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const known = Object.entries(members).filter(([, value]) => value !== null);
  return Object.fromEntries(known) as { [K in keyof T]?: NonNullable<T[K]> };
}

function serverStatus(server: ReplicaServerStatus, fsyncMs: number): ServerRow {
  const { name, url, link, isInSync, isRemoved, quietMs, lagOps } = server;
  const { reason, release, storeId, unheldOps, clockOffsetMs, silentMs, hears } = server;
  return {
    name,
    url,
    link,
    inSync: isInSync,
    removed: isRemoved,
    quietMs,
    lagOps,
    ...told({
      out: reason,
      release,
      store: storeId,
      unheldOps,
      fsyncMs: link === "self" ? fsyncMs : server.fsyncMs,
      clockOffsetMs,
      silentMs,
      hears: hears && [...hears],
    }),
  };
}

function progressOf({ doneOps, totalOps, perSecond }: CatchUpProgress) {
  return { doneOps, totalOps, perSecond };
}

export const serverCommands: Commands<"server"> = {
  "server.hello": {
    needs: "nothing",
    handle(services, _caller, { protocol }) {
      if (protocol !== undefined && protocol < PROTOCOL_VERSION_MIN) {
        throw new Refusal(
          "version_unsupported",
          `this server speaks protocol ${PROTOCOL_VERSION_MIN} to ${PROTOCOL_VERSION}, not ${protocol}: update the client`,
        );
      }
      return {
        cluster: services.cluster,
        server: services.replica.name,
        version: services.version,
        protocol: PROTOCOL_VERSION,
        signUp: signUpPolicy(services),
        ...(hasAdmin(services.view) ? {} : { setup: true as const }),
        limits: { ...TOLD },
        servers: services.servers().map((server) => ({ ...server })),
      };
    },
  },
  "server.status": {
    needs: "admin",
    handle({ replica, links, minCopies, version }) {
      const status = replica.status();
      const { lastCommitMs, catchUp } = replica.figures();
      const own = (server: ReplicaServerStatus) =>
        server.link === "self" ? { ...server, release: version } : server;
      return {
        server: status.name,
        store: status.storeId,
        leader: status.leader,
        behind: status.isBehind,
        removed: status.isRemoved,
        minCopies,
        faultBudget: status.faultBudget,
        ...(catchUp === null ? {} : { catchUp: progressOf(catchUp) }),
        servers: status.servers.map((server) => serverStatus(own(server), lastCommitMs)),
        links: links().map((link) => ({ ...link })),
      };
    },
  },
  "server.digest": {
    needs: "admin",
    async handle({ replica, digest }, { operator }, { of = replica.name, range }) {
      if (!operator) throw new Refusal("forbidden", "only the server's operator compares views");
      const found = await digest(of, range);
      return { server: of, range: found as Result<"server.digest">["range"] };
    },
  },
  "server.ping": {
    needs: "nothing",
    handle: ({ replica }) => ({ now: Math.floor(replica.wallMs()) }),
  },
};
