import { Refusal } from "../../core/errors.ts";
import * as limits from "../../core/limits.ts";
import { PROTOCOL_VERSION, PROTOCOL_VERSION_MIN } from "../../protocol/version.ts";
import type { Commands } from "../command.ts";
import type { SignUpPolicy } from "../ports.ts";
import type { Services } from "../services.ts";
import { hasAdmin } from "../setup.ts";

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
  "server.ping": {
    needs: "nothing",
    handle: ({ replica }) => ({ now: Math.floor(replica.wallMs()) }),
  },
};
