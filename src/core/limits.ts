/**
 * Every bound in one place, unit last; docs/PROTOCOL.md names those that clients meet. Relations between
 * them are asserted below, at load.
 */
import { assert } from "./assert.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const SECOND = 1000;
const MINUTE = 60 * SECOND;

// What people write.
export const MESSAGE_CHARACTERS_MAX = 8_000;
export const DISPLAY_NAME_CHARACTERS_MAX = 64;
export const TOPIC_CHARACTERS_MAX = 250;
export const PASSWORD_CHARACTERS_MIN = 8;
export const PASSWORD_CHARACTERS_MAX = 256;
export const SEARCH_CHARACTERS_MAX = 200;
export const SEARCH_TERMS_MAX = 12;
export const WILDCARD_CHARACTERS_MAX = 64;
export const SESSION_LABEL_CHARACTERS_MAX = 80;

// Ops.
export const KIND_MAX = 65_535;
export const ENVELOPE_DATA_BYTES_MAX = 1 * KIB;
export const ENVELOPE_BYTES_MAX = 2 * KIB;
export const BODY_BYTES_MAX = 64 * KIB;
/** A batch of one group commit. */
export const COMMIT_OPS_MAX = 2_000;
export const COMMIT_BYTES_MAX = 4 * MIB;
/** Minted and not yet durable; past it a write is `unavailable`. */
export const PENDING_OPS_MAX = 20_000;
export const PENDING_BYTES_MAX = 32 * MIB;
/** A stamp may run ahead of the wall clock by this much, never more. */
export const STAMP_AHEAD_MS_MAX = 5 * MINUTE;
/** After this long without enough copies the answer is `indefinite`. */
export const RECEIPT_DEADLINE_MS = 10 * SECOND;

// Pages and lists.
export const HISTORY_PAGE_DEFAULT = 50;
export const HISTORY_PAGE_MAX = 200;
export const LIST_PAGE_DEFAULT = 50;
export const LIST_PAGE_MAX = 500;
export const SEARCH_PAGE_DEFAULT = 20;
export const SEARCH_PAGE_MAX = 100;
/** Messages the search looks at for one page, before it answers with `next` only. */
export const SEARCH_SCAN_MAX = 20_000;
export const UNREAD_EXACT_MAX = 999;
/** Folded messages that the search index may lag behind; a search first catches up. */
export const SEARCH_LAG_OPS_MAX = 5_000;
export const CONVERSATIONS_PER_ACCOUNT_MAX = 2_000;
export const MEMBERS_PER_CHANNEL_MAX = 20_000;
export const SESSIONS_PER_ACCOUNT_MAX = 64;
export const TOKENS_PER_SESSION_MAX = 8;

// Connections.
export const FRAME_BYTES_MAX = 128 * KIB;
export const REQUESTS_IN_FLIGHT_MAX = 4_096;
export const CONNECTION_BACKLOG_BYTES_MAX = 4 * MIB;
export const CONNECTIONS_MAX = 20_000;
export const CONNECTIONS_PER_ACCOUNT_MAX = 64;
export const SIGN_IN_DEADLINE_MS = 30 * SECOND;
export const BEAT_INTERVAL_MS = 500;
/** A connection that takes in nothing and says nothing for this long is closed. */
export const IDLE_TIMEOUT_S = 60;
/** Wrong frames before a connection is closed. */
export const BAD_FRAMES_MAX = 20;
export const OPEN_CONVERSATIONS_MAX = 8;
export const PRESENCE_WATCH_MAX = 500;
export const PRESENCE_LINGER_MS = 5 * SECOND;
export const TYPING_INTERVAL_MS = 2 * SECOND;
export const STOP_DEADLINE_MS = 5 * SECOND;

// Events.
export const CURSOR_CHARACTERS_MAX = 4 * KIB;
export const CURSOR_ORIGINS_MAX = 48;
/** Missed events that a resume sends; past it comes `reset`. */
export const RESUME_EVENTS_MAX = 1_000;
export const EVENTS_PAGE_DEFAULT = 100;
export const EVENTS_PAGE_MAX = 1_000;
export const EVENTS_WAIT_MS_MAX = 25 * SECOND;
/** How long a read waits for the fold to cover its `at`, before it says `stale`. */
export const READ_WAIT_MS = 1 * SECOND;
export const MARKER_INTERVAL_MS = 5 * SECOND;

// Passwords.
export const PASSWORD_HASHES_AT_ONCE = 2;
export const PASSWORD_QUEUE_MAX = 64;
export const PASSWORD_FAILURES_MAX = 10;
export const PASSWORD_FAILURES_PER_ADDRESS_MAX = 60;
export const PASSWORD_WINDOW_MS = 5 * MINUTE;
export const SIGN_UPS_PER_ADDRESS_MAX = 30;
export const SIGN_UP_WINDOW_MS = 10 * MINUTE;
export const THROTTLE_ENTRIES_MAX = 50_000;
export const WRITES_PER_SECOND = 200;
export const WRITES_BURST = 4_000;

// Disk.
export const HEAD_SYNC_INTERVAL_MS = 1 * SECOND;
export const ERASE_BATCH_OPS = 500;
/** Erased bytes leave every file within this time after the acknowledgment; an alarm says if not. */
export const ERASE_DEADLINE_MS = 1 * MINUTE;
export const RESERVE_BYTES_MAX = 64 * MIB;
/** What logs, write-ahead logs and the view may grow by between two looks at the free space. */
export const RESERVE_BYTES_MIN = 16 * MIB;
/** Share of the file system that the reserve takes, within the two bounds above. */
export const RESERVE_SHARE = 0.05;
export const FREE_SPACE_INTERVAL_MS = 1 * SECOND;
/** Every so many ops of an origin its chain hash is stored beside the op. */
export const CHAIN_MARK_EVERY = 64;

assert(MESSAGE_CHARACTERS_MAX * 4 < BODY_BYTES_MAX, "a longest message fits a body");
assert(MESSAGE_CHARACTERS_MAX * 12 < FRAME_BYTES_MAX, "a longest message, escaped, fits a frame");
assert(BODY_BYTES_MAX + ENVELOPE_BYTES_MAX < COMMIT_BYTES_MAX, "an op fits a commit");
assert(COMMIT_OPS_MAX <= PENDING_OPS_MAX, "a commit fits the queue");
assert(REQUESTS_IN_FLIGHT_MAX <= PENDING_OPS_MAX, "one connection cannot fill the queue");
assert(RESUME_EVENTS_MAX <= EVENTS_PAGE_MAX, "a resume is one page of events");
assert(CURSOR_CHARACTERS_MAX < FRAME_BYTES_MAX, "a cursor fits a frame");
assert(BEAT_INTERVAL_MS * 2 < IDLE_TIMEOUT_S * SECOND, "beats keep a connection alive");
assert(RESERVE_BYTES_MIN <= RESERVE_BYTES_MAX, "reserve bounds");
