/**
 * Every bound in one place, unit last; docs/PROTOCOL.md names those that clients meet. Relations between
 * them are asserted in limit-relations.ts, when a server is loaded.
 */

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

// Links between servers.
export const SERVERS_MAX = 7;
/** Servers that one may know, those that were removed included. */
export const LINKS_MAX = 64;
export const BEAT_PEER_INTERVAL_MS = 100;
/** A peer that was silent for this long is suspect: no write waits for it. */
export const SUSPECT_AFTER_MS = 600;
/** A server speaks for another only while that is silent for less than this: well before it is suspect. */
export const VOUCH_SILENT_MS_MAX = 400;
/** A link that was silent for this long is dropped. */
export const LINK_SILENT_MS = 3 * SECOND;
/** A peer whose oldest unacknowledged op is older than this is not in sync. */
export const PEER_LAG_MS_MAX = 1 * SECOND;
/** Out of the in-sync set after it left; doubles with each time up to the second bound. */
export const QUIET_MS_MIN = 2 * SECOND;
export const QUIET_MS_MAX = 1 * MINUTE;
/** So long without leaving the set, and earlier times are forgiven. */
export const QUIET_FORGIVEN_MS = 5 * MINUTE;
/** Buckets that the digests of a version vector are compared by. */
export const VECTOR_BUCKETS = 256;
export const HEADS_PER_FRAME_MAX = 1_000;
/** A frame of ops between servers. */
export const PEER_OPS_MAX = 2_000;
export const PEER_OPS_BYTES_MAX = 1 * MIB;
export const PEER_FRAME_BYTES_MAX = 2 * MIB;
/** A frame between servers travels in sealed pieces of at most this, which fit a frame of any connection. */
export const LINK_PIECE_BYTES_MAX = 64 * KIB;
/** Sent to a peer and not taken by it; past it the link is cut. */
export const LINK_BACKLOG_BYTES_MAX = 32 * MIB;
/** From dialling, or from a peer's connection, until both have proved who they are. */
export const HANDSHAKE_DEADLINE_MS = 3 * SECOND;
export const HANDSHAKE_BYTES_MAX = 4 * KIB;
/** Unfinished handshakes of peers that dialled here: of all, and from one address. */
export const HANDSHAKES_MAX = 64;
export const HANDSHAKES_PER_ADDRESS_MAX = 16;
/** Failed handshakes of one address at once; they are forgotten evenly over the window. */
export const HANDSHAKE_FAILURES_MAX = 60;
export const HANDSHAKE_FAILURE_WINDOW_MS = 1 * MINUTE;
export const REDIAL_MS_MIN = 100;
export const REDIAL_MS_MAX = 5 * SECOND;
/** A link that lasted this long was a good one: its next dialling begins at the shortest wait. */
export const LINK_GOOD_MS = 5 * SECOND;
/** What a server with a join token waits for at the most, once it has proved itself. */
export const JOIN_DEADLINE_MS = 15 * SECOND;
/** A removed server may link for so long to hand over what only it has. */
export const HAND_OVER_MS = 1 * MINUTE;
/** Secrets from before the last changes of it, by which a member that was away proves itself. */
export const SECRETS_FORMER_MAX = 4;
/** A server whose clock is further off does not join. */
export const JOIN_CLOCK_MS_MAX = STAMP_AHEAD_MS_MAX;
/** Frames of ops that may be on their way to a peer that catches up. */
export const PEER_WINDOW_FRAMES = 4;
/** After this long an op of another server that a peer lacks is relayed. */
export const RELAY_AFTER_MS = 500;
export const RESERVATIONS_MAX = 10_000;
/** A name that is not agreed on by then: `unavailable`, nothing was made. */
export const RESERVE_DEADLINE_MS = 5 * SECOND;
/** Live frames of ops on their way to a peer; past it they are read from the log again when there is room. */
export const LIVE_FRAMES_MAX = 64;
export const LIVE_BYTES_MAX = 8 * MIB;
/** Ops of one peer that wait for the disk; a peer that sends more ignores its window and is dropped. */
export const INGEST_WAITING_BYTES_MAX = 64 * MIB;
/** Origins of which one peer may say that it holds what this log lacks: more starts than a cluster has in its life. */
export const SAID_ORIGINS_MAX = 200_000;
/** A peer that lacks more ops than this is not in sync. */
export const PEER_LAG_OPS_MAX = 5_000;
/** Two sums that stay apart for so long, with nothing on its way, are compared anew. */
export const RECOMPARE_AFTER_MS = 2 * SECOND;
export const RECOMPARE_AFTER_MS_MAX = 1 * MINUTE;
/** Ops that came without body are looked at this often, so many at once: whether what erased them has come. */
export const UNPROVEN_LOOK_MS = 2 * SECOND;
export const UNPROVEN_OPS_MAX = 1_000;
/** It is lost if it has not come for so long, while all other members are linked and nothing older than that comes. */
export const PROOF_LOST_AFTER_MS = 10 * SECOND;
/** The same whoever is away, and whatever comes. */
export const PROOF_LOST_LATEST_MS = 1 * MINUTE;
/** Branches of one incarnation that are kept; a peer that holds more is not linked. */
export const BRANCHES_MAX = 64;
/** Chain hashes in one message of the search for a fork, and such messages of one link for one incarnation. */
export const CHAIN_SAMPLES_MAX = 64;
export const CHAIN_SAMPLINGS_MAX = 64;
/** Answered ops whose receipts may grow, and are remembered for that. */
export const GROWING_RECEIPTS_MAX = 10_000;
/** The same of messages that other servers minted, and messages of which their authors are yet to be told. */
export const HELD_NEWS_MAX = 4_096;
export const HELD_INTERVAL_MS = 250;
export const HELD_EVENTS_PER_TURN = 500;
/** Receipts of before a restart that are watched because a server was found to lack their ops: the newest. */
export const WATCHED_RECEIPTS_MAX = 1_000;
/** A server that lacks at least so many ops tells how far it has come in taking them over, and how often. */
export const CATCH_UP_OPS_MIN = 10_000;
export const CATCH_UP_TELL_MS = 5 * SECOND;
/** What is remembered of when other stores held what, so that their cursors tell something here. */
export const STORE_MARKS_MAX = 4_096;

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
/** Bans of one account from one channel; the last of them stays. */
export const BANS_PER_MEMBER_MAX = 50;
export const SESSIONS_PER_ACCOUNT_MAX = 64;
export const TOKENS_PER_SESSION_MAX = 8;
/** A session ends so long after it was opened; longer than any browser keeps a cookie. */
export const SESSION_AGE_MS_MAX = 400 * 24 * 60 * MINUTE;
/** An invitation is revoked so long after its time: by then no server's clock takes it for good. */
export const INVITATION_GRACE_MS = 60 * MINUTE;
/** What is over by time is looked for in each slot of this length. */
export const EXPIRY_SLOT_MS = 10 * MINUTE;
/** A ticket is good for so long; with it others may be had until the second bound. */
export const TICKET_MS = 60 * MINUTE;
export const TICKET_CHAIN_MS = 24 * 60 * MINUTE;

// Connections.
export const FRAME_BYTES_MAX = 128 * KIB;
export const REQUESTS_IN_FLIGHT_MAX = 4_096;
export const CONNECTION_BACKLOG_BYTES_MAX = 4 * MIB;
export const CONNECTIONS_MAX = 20_000;
export const CONNECTIONS_PER_ACCOUNT_MAX = 64;
export const SIGN_IN_DEADLINE_MS = 30 * SECOND;
export const BEAT_INTERVAL_MS = 500;
/** What a cursor vouches for is lost if all servers are heard for so long and none has it; in beats. */
export const LOST_AFTER_BEATS = 6;
/** A connection that takes in nothing and says nothing for this long is closed. */
export const IDLE_TIMEOUT_S = 60;
/** Wrong frames before a connection is closed. */
export const BAD_FRAMES_MAX = 20;
export const OPEN_CONVERSATIONS_MAX = 8;
export const PRESENCE_WATCH_MAX = 500;
export const PRESENCE_LINGER_MS = 5 * SECOND;
/** Who came and went is told to other servers this often, in frames of so many accounts each. */
export const PRESENCE_TELL_MS = 200;
/** So often a server looks who of its peers do not hear each other, to tell them of each other's people. */
export const PRESENCE_LOOK_MS = 1 * SECOND;
export const PRESENCE_PER_FRAME_MAX = 1_000;
/** Accounts that are online at one other server; further ones show as offline here. */
export const PRESENCE_PER_PEER_MAX = CONNECTIONS_MAX;
export const TYPING_INTERVAL_MS = 2 * SECOND;
export const STOP_DEADLINE_MS = 5 * SECOND;

// Events.
export const CURSOR_CHARACTERS_MAX = 4 * KIB;
export const CURSOR_ORIGINS_MAX = 48;
/** Servers of which a cursor may vouch for what no other has yet. */
export const CURSOR_PARTS_MAX = 7;
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

// Comparing views.
/** Rows of a range: under a second, for which a snapshot is kept. */
export const DIGEST_ROWS_MAX = 20_000;
/** Rows of a range whose keys are told. */
export const DIGEST_KEYS_MAX = 500;
export const DIGESTS_WAITING_MAX = 32;
/** For one range of a peer: it may have several to make. */
export const DIGEST_WAIT_MS = 20 * SECOND;

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
