/**
 * Version of the client protocol. A change that an older client could notice raises it; additions that an
 * older client ignores do not, but every change of the schemas gets a line here (version.test.ts hashes them).
 *
 * 1  2026-11  first
 *             `session.resume` takes the token `cookie`; `server.hello` may say `setup`
 *             `server.status`, `server.digest`
 *             the code `behind`
 *             `session.ticket`, which `session.resume` takes; `inSync` of servers
 *             `cluster.invite`, `cluster.remove`, `cluster.rotateSecret`
 */
export const PROTOCOL_VERSION = 1;
/** The oldest that this server still speaks. */
export const PROTOCOL_VERSION_MIN = 1;
