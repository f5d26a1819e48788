/**
 * A client as a process: one JSON object a line on standard input is done, its outcome is one on standard output.
 * It ends with its input. `SERVERS...` are the arguments, behind the name.
 */
import { historyOf } from "../../drill/history.ts";
import { Talker } from "../../drill/talker.ts";
import { rpc } from "../../src/client/index.ts";
import type { Order, Outcomes } from "./client-process.ts";

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

for await (const line of console) {
  const order = JSON.parse(line) as Order;
  const answer = await carryOut(order).then(
    (outcome) => ({ outcome }),
    (error: Error) => ({ error: error.message }),
  );
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit(0);
