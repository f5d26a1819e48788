/**
 * What must hold between the bounds of limits.ts; asserted when a server is loaded.
 *
 * A file of its own, because the page needs two of the bounds and none of this: a bundler cannot leave out what is
 * run at load.
 */
import { assert } from "./assert.ts";
import {
  BEAT_INTERVAL_MS,
  BEAT_PEER_INTERVAL_MS,
  BODY_BYTES_MAX,
  COMMIT_BYTES_MAX,
  COMMIT_OPS_MAX,
  CURSOR_CHARACTERS_MAX,
  ENVELOPE_BYTES_MAX,
  EVENTS_PAGE_MAX,
  FRAME_BYTES_MAX,
  HANDSHAKE_BYTES_MAX,
  IDLE_TIMEOUT_S,
  LINK_BACKLOG_BYTES_MAX,
  LINK_PIECE_BYTES_MAX,
  LINK_SILENT_MS,
  LIVE_BYTES_MAX,
  MESSAGE_CHARACTERS_MAX,
  PEER_FRAME_BYTES_MAX,
  PEER_OPS_BYTES_MAX,
  PEER_WINDOW_FRAMES,
  PENDING_OPS_MAX,
  RECEIPT_DEADLINE_MS,
  REQUESTS_IN_FLIGHT_MAX,
  RESERVE_BYTES_MAX,
  RESERVE_BYTES_MIN,
  RESERVE_DEADLINE_MS,
  RESUME_EVENTS_MAX,
  SUSPECT_AFTER_MS,
  VOUCH_SILENT_MS_MAX,
} from "./limits.ts";

assert(MESSAGE_CHARACTERS_MAX * 4 < BODY_BYTES_MAX, "a longest message fits a body");
assert(MESSAGE_CHARACTERS_MAX * 12 < FRAME_BYTES_MAX, "a longest message, escaped, fits a frame");
assert(BODY_BYTES_MAX + ENVELOPE_BYTES_MAX < COMMIT_BYTES_MAX, "an op fits a commit");
assert(COMMIT_OPS_MAX <= PENDING_OPS_MAX, "a commit fits the queue");
assert(REQUESTS_IN_FLIGHT_MAX <= PENDING_OPS_MAX, "one connection cannot fill the queue");
assert(RESUME_EVENTS_MAX <= EVENTS_PAGE_MAX, "a resume is one page of events");
assert(CURSOR_CHARACTERS_MAX < FRAME_BYTES_MAX, "a cursor fits a frame");
assert(BEAT_INTERVAL_MS * 2 < IDLE_TIMEOUT_S * 1_000, "beats keep a connection alive");
assert(BEAT_PEER_INTERVAL_MS * 4 < SUSPECT_AFTER_MS, "a few lost beats make nobody suspect");
assert(RESERVE_DEADLINE_MS <= RECEIPT_DEADLINE_MS, "a name is decided before the answer is due");
assert(
  VOUCH_SILENT_MS_MAX + BEAT_PEER_INTERVAL_MS < SUSPECT_AFTER_MS,
  "who suspects a server has heard what others hear of it",
);
assert(SUSPECT_AFTER_MS < LINK_SILENT_MS, "a link outlives a suspicion");
assert(BODY_BYTES_MAX + 2 * ENVELOPE_BYTES_MAX < PEER_OPS_BYTES_MAX, "an op fits a frame of ops");
assert(PEER_OPS_BYTES_MAX + BODY_BYTES_MAX < PEER_FRAME_BYTES_MAX, "a batch of ops fits a frame");
assert(LINK_PIECE_BYTES_MAX + 1_024 < FRAME_BYTES_MAX, "a sealed piece fits a frame");
assert(HANDSHAKE_BYTES_MAX < LINK_PIECE_BYTES_MAX, "a handshake fits a piece");
assert(
  LIVE_BYTES_MAX + (PEER_WINDOW_FRAMES + 2) * PEER_FRAME_BYTES_MAX < LINK_BACKLOG_BYTES_MAX,
  "what may be on its way to a slow peer fits its backlog",
);
assert(RESERVE_BYTES_MIN <= RESERVE_BYTES_MAX, "reserve bounds");
