/** What the operator does with the servers of the cluster. No session of the chat may: it is about machines. */
import { Refusal } from "../../core/errors.ts";
import type { RequestId } from "../../core/ids.ts";
import { nextServerVersion, serverRemove } from "../../ops/server.ts";
import { subjectKey } from "../../replica/pending.ts";
import type { Caller, Commands } from "../command.ts";
import type { Membership } from "../ports.ts";
import type { Services } from "../services.ts";
import { write } from "../write.ts";
import { copyReceipt } from "./receipt.ts";

const TOKEN_GOOD_MS = 24 * 60 * 60 * 1000;

function demandOperator(caller: Caller): void {
  if (caller.operator) return;
  const what = "this is for the operator, on the machine of a server: see `holdfast --help`";
  throw new Refusal("forbidden", what);
}

function membershipOf({ membership }: Services): Membership {
  if (membership === null) throw new Refusal("unavailable", "this server has no links");
  return membership;
}

/** Throws Refusal unless this server may remove the one of this name. */
function assertRemovable({ replica, view }: Services, server: string): void {
  const state = view.get("server", server);
  if (server === replica.name) {
    const what = replica.members.names.length === 1 ? "it is the only one: stop it instead" : "";
    const elsewhere = "a server does not remove itself: run this on another one of the cluster";
    throw new Refusal("forbidden", what === "" ? elsewhere : `${elsewhere}; ${what}`);
  }
  if (state?.standing === undefined) {
    const known = replica.members.names.join(", ");
    throw new Refusal("not_found", `the cluster has no server ${server}; it has ${known}`);
  }
  if (state.standing.value === "removed") {
    throw new Refusal("not_found", `server ${server} is removed already`);
  }
}

export const clusterCommands: Commands<"cluster"> = {
  "cluster.invite": {
    needs: "admin",
    async handle(services, caller, { expiresInMs, urls }) {
      demandOperator(caller);
      return await membershipOf(services).invite(expiresInMs ?? TOKEN_GOOD_MS, urls ?? null);
    },
  },
  "cluster.remove": {
    needs: "admin",
    async handle(services, caller, { server, id }) {
      demandOperator(caller);
      const key = subjectKey({ table: "server", key: server });
      const { receipt } = await write(services, caller, {
        author: caller.account,
        id: id as RequestId,
        kind: serverRemove,
        matches: (data) => data.name === server,
        plan: () => {
          const version = nextServerVersion(services.view.get("server", server));
          return {
            content: { scope: null, data: { name: server, version }, body: null },
            depends: [key],
            changes: [key],
            allow: () => assertRemovable(services, server),
          };
        },
      });
      return { receipt: copyReceipt(receipt) };
    },
  },
  "cluster.rotateSecret": {
    needs: "admin",
    async handle(services, caller) {
      demandOperator(caller);
      return await membershipOf(services).rotateSecret();
    },
  },
};
