/** ngircd: raw fan-out to a channel, nothing kept (RFC 2812). */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../server.ts";
import { type Contestant, type Relay, TEXT } from "./contest.ts";
import { Group, HOST } from "./group.ts";
import { missingProgram, pathOf } from "./packages.ts";

const CHANNEL = "#all";
const ANSWER_MS = 20_000;
const PRIVMSG = " PRIVMSG ";

class IrcClient {
  received = 0;
  private socket!: Bun.Socket;
  private text = "";
  private joined: (() => void) | null = null;

  /** Resolves in the channel. */
  static async open(port: number, name: string): Promise<IrcClient> {
    const client = new IrcClient();
    const joined = new Promise<void>((resolve, reject) => {
      client.joined = resolve;
      setTimeout(() => reject(new Error(`irc: ${name} is not in: ${client.text}`)), ANSWER_MS);
    });
    client.socket = await Bun.connect({
      hostname: HOST,
      port,
      socket: { data: (_, bytes) => client.took(bytes.toString("latin1")) },
    });
    client.send(`NICK ${name}\r\nUSER ${name} 0 * :${name}\r\nJOIN ${CHANNEL}\r\n`);
    await joined;
    return client;
  }

  send(text: string): void {
    this.socket.write(text);
  }

  private took(chunk: string): void {
    const all = this.text + chunk;
    let at = 0;
    for (let end = all.indexOf("\n"); end >= 0; end = all.indexOf("\n", at)) {
      const line = all.slice(at, end);
      at = end + 1;
      if (line.includes(PRIVMSG)) this.received++;
      else if (line.startsWith("PING")) this.send(`PONG${line.slice(4)}\n`);
      else if (line.includes(" 366 ")) this.joined?.(); // the end of the list of names
    }
    this.text = all.slice(at);
  }

  close(): void {
    this.socket.end();
  }
}

const configuration = (port: number) => `[Global]
Name = irc.bench.test
Info = bench
Listen = ${HOST}
Ports = ${port}
[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxJoins = 0
MaxPenaltyTime = 0
MaxNickLength = 20
[Options]
DNS = no
Ident = no
PAM = no
`;

export const ngircd = (members: number): Contestant<Relay> => ({
  name: "ngircd",
  durable: "nothing is kept",
  missing: missingProgram("ngircd"),
  async start(folder) {
    const group = new Group(folder);
    const port = await freePort();
    const file = join(folder, "ngircd.conf");
    writeFileSync(file, configuration(port));
    group.start("ngircd", [pathOf("ngircd") as string, "-n", "-f", file]);
    await group.listens("ngircd", port);
    const sender = await IrcClient.open(port, "sender");
    const inRoom: IrcClient[] = [];
    for (let i = 0; i < members; i++) inRoom.push(await IrcClient.open(port, `m${i}`));
    const toRoom = `PRIVMSG ${CHANNEL} :${TEXT}\r\n`;
    return {
      sendToOne: () => sender.send(`PRIVMSG m0 :${TEXT}\r\n`),
      sendToRoom: () => sender.send(toRoom),
      get received() {
        return inRoom[0]?.received ?? 0;
      },
      get receivedInRoom() {
        return inRoom.reduce((sum, { received }) => sum + received, 0);
      },
      cpuSeconds: () => group.cpuSeconds(),
      async end() {
        for (const client of [sender, ...inRoom]) client.close();
        await group.end();
      },
    };
  },
});
