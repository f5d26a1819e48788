/**
 * A client as a process; its orders stand in client-process.ts. `SERVERS...` are the arguments, behind the name.
 */
import { historyOf } from "../../drill/history.ts";
import { Talker } from "../../drill/talker.ts";
import { rpc } from "../../src/client/index.ts";
import type { Order, Outcomes } from "./client-process.ts";
import { obey } from "./orders.ts";

const STATUS_WAIT_MS = 2_000;

const [name = "", ...servers] = process.argv.slice(2);
const talker = new Talker(name, servers);

async function carryOut(order: Order): Promise<Outcomes[Order["do"]]> {
  switch (order.do) {
    case "enter":
      await talker.enter(order.isFirst, order.invitation);
      return null;
    case "begin":
      talker.begin(order.everyMs);
      return null;
    case "end":
      await talker.end();
      return null;
    case "progress":
      return { ...talker.progress, at: talker.at };
    case "report":
      return talker.report();
    case "history":
      return await historyOf(order.url, talker.token);
    case "status": {
      const signal = AbortSignal.timeout(STATUS_WAIT_MS);
      const asked = rpc(order.url, talker.token, "server.status", {}, { signal });
      return await asked.catch(() => null);
    }
    default:
      return order satisfies never;
  }
}

await obey(carryOut);
process.exit(0);
