/** What a join token holds (src/mesh/join-token.ts makes text of it, and back). */
import Type, { type Static } from "typebox";
import { Compile } from "typebox/compile";
import { Bytes32 } from "./peer-hello.ts";

export const JOIN_URLS_MAX = 4;

export const joinToken = Type.Object({
  cluster: Type.String({ pattern: "^[!-~]{1,64}$" }),
  /** Name and public key of the server that made it. */
  server: Type.String({ pattern: "^[a-z0-9][a-z0-9-]{0,31}$" }),
  key: Bytes32,
  /** Key of the handshake. */
  join: Bytes32,
  /** Where that server is. */
  urls: Type.Array(Type.String({ pattern: "^https?://[!-~]+$", maxLength: 300 }), {
    minItems: 1,
    maxItems: JOIN_URLS_MAX,
  }),
});
export type JoinToken = Static<typeof joinToken>;

const check = Compile(joinToken);

export function isJoinToken(value: unknown): value is JoinToken {
  return check.Check(value);
}
