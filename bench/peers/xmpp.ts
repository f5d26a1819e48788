/** ejabberd and prosody: one node each, chat and rooms over XMPP, no archive, no replication. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../server.ts";
import { type Contestant, type Relay, TEXT } from "./contest.ts";
import { Group, HOST } from "./group.ts";
import { missingProgram } from "./packages.ts";

const DOMAIN = "localhost";
const ROOM = `all@conference.${DOMAIN}`;
const PASSWORD = "correct horse";
const ANSWER_MS = 20_000;
const MESSAGE_END = "</message>";
const EJABBERD_CODE = "/usr/lib/x86_64-linux-gnu";

/** As much of a client as a load needs (RFC 6120, 6121; XEP-0045, XEP-0077). */
class XmppClient {
  /** Messages that came. */
  received = 0;
  private socket!: Bun.Socket;
  private text = "";
  private waiting: { readonly what: string; readonly resolve: () => void } | null = null;

  static async open(port: number, name: string): Promise<XmppClient> {
    const client = new XmppClient();
    client.socket = await Bun.connect({
      hostname: HOST,
      port,
      socket: { data: (_, bytes) => client.took(bytes.toString("latin1")) },
    });
    await client.begin();
    const fields = `<username>${name}</username><password>${PASSWORD}</password>`;
    const register = `<query xmlns='jabber:iq:register'>${fields}</query>`;
    await client.ask(`<iq type='set' id='reg'>${register}</iq>`, "id='reg'");
    const plain = Buffer.from(`\0${name}\0${PASSWORD}`).toString("base64");
    const auth = `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${plain}</auth>`;
    await client.ask(auth, "<success");
    await client.begin();
    const bind = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>";
    await client.ask(`<iq type='set' id='bind'>${bind}</iq>`, "id='bind'");
    client.send("<presence/>");
    return client;
  }

  private begin(): Promise<void> {
    const spaces = "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'";
    const head = `<?xml version='1.0'?><stream:stream to='${DOMAIN}' ${spaces} version='1.0'>`;
    return this.ask(head, "</stream:features>");
  }

  async enterRoom(name: string): Promise<void> {
    const muc = "<x xmlns='http://jabber.org/protocol/muc'/>";
    await this.ask(`<presence to='${ROOM}/${name}'>${muc}</presence>`, "<subject");
  }

  /** Makes a room that was just entered one for others. */
  async openRoom(): Promise<void> {
    const form = "<x xmlns='jabber:x:data' type='submit'/>";
    const owner = `<query xmlns='http://jabber.org/protocol/muc#owner'>${form}</query>`;
    await this.ask(`<iq type='set' id='own' to='${ROOM}'>${owner}</iq>`, "id='own'");
  }

  /** Resolves when this text has come. Attributes are quoted by either mark. */
  private ask(stanza: string, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const why = () => reject(new Error(`no ${what} after ${stanza}, but ${this.text}`));
      const timer = setTimeout(why, ANSWER_MS);
      const done = () => {
        clearTimeout(timer);
        this.waiting = null;
        resolve();
      };
      this.text = "";
      this.waiting = { what, resolve: done };
      this.send(stanza);
    });
  }

  send(stanza: string): void {
    this.socket.write(stanza);
  }

  private took(chunk: string): void {
    if (this.waiting !== null) {
      this.text += chunk;
      if (this.text.replaceAll('"', "'").includes(this.waiting.what)) this.waiting.resolve();
      return;
    }
    const all = this.text + chunk;
    let at = 0;
    for (let end = all.indexOf(MESSAGE_END); end >= 0; end = all.indexOf(MESSAGE_END, at)) {
      this.received++;
      at = end + MESSAGE_END.length;
    }
    this.text = all.slice(Math.max(at, all.length - MESSAGE_END.length + 1));
  }

  close(): void {
    this.socket.end();
  }
}

async function relay(group: Group, port: number, members: number): Promise<Relay> {
  const sender = await XmppClient.open(port, "sender");
  const receiver = await XmppClient.open(port, "receiver");
  const inRoom: XmppClient[] = [];
  await sender.enterRoom("sender");
  await sender.openRoom();
  for (let i = 0; i < members; i++) {
    const member = await XmppClient.open(port, `member${i}`);
    await member.enterRoom(`member${i}`);
    inRoom.push(member);
  }
  const start = { one: receiver.received, room: sum(inRoom) };
  const body = `<body>${TEXT}</body></message>`;
  return {
    sendToOne: () => sender.send(`<message to='receiver@${DOMAIN}' type='chat'>${body}`),
    sendToRoom: () => sender.send(`<message to='${ROOM}' type='groupchat'>${body}`),
    get received() {
      return receiver.received - start.one;
    },
    get receivedInRoom() {
      return sum(inRoom) - start.room;
    },
    cpuSeconds: () => group.cpuSeconds(),
    async end() {
      for (const client of [sender, receiver, ...inRoom]) client.close();
      await group.end();
    },
  };
}

function sum(clients: readonly XmppClient[]): number {
  return clients.reduce((all, { received }) => all + received, 0);
}

const ejabberdFile = (port: number) => `hosts: ["${DOMAIN}"]
loglevel: error
log_rotate_count: 0
auth_method: internal
auth_password_format: plain
registration_timeout: infinity
listen:
  - { port: ${port}, ip: "${HOST}", module: ejabberd_c2s, starttls: false }
access_rules: { whoever: { allow: all } }
modules:
  mod_register: { ip_access: all, access: whoever }
  mod_muc:
    access: whoever
    access_create: whoever
    max_users: 2000
    history_size: 0
    default_room_options: { presence_broadcast: [], max_users: 2000 }
`;

export const ejabberd = (members: number): Contestant<Relay> => ({
  name: "ejabberd, 1 node",
  durable: "nothing is kept",
  missing: missingProgram("erl"),
  async start(folder) {
    const group = new Group(folder);
    const port = await freePort();
    const file = join(folder, "ejabberd.yml");
    writeFileSync(file, ejabberdFile(port));
    const text = (value: string) => `"${value}"`;
    const code = [
      ...new Bun.Glob("ejabberd-*/ebin").scanSync({ cwd: EJABBERD_CODE, onlyFiles: false }),
    ];
    const paths = code.flatMap((one) => ["-pa", join(EJABBERD_CODE, one)]);
    const mnesia = ["-mnesia", "dir", text(join(folder, "mnesia"))];
    const settings = ["-ejabberd", "config", text(file), "log_path", text(join(folder, "e.log"))];
    const command = ["erl", "-noinput", "+K", "true", ...paths, ...mnesia, ...settings];
    group.start("ejabberd", [...command, "-s", "ejabberd"], { HOME: folder });
    await group.listens("ejabberd", port);
    return relay(group, port, members);
  },
});

const prosodyFile = (
  port: number,
  folder: string,
) => `modules_enabled = { "saslauth", "register_ibr", "posix" }
modules_disabled = { "s2s", "offline", "tls" }
daemonize = false
run_as_root = true
data_path = "${join(folder, "data")}"
log = { error = "*console" }
pidfile = "${join(folder, "prosody.pid")}"
interfaces = { "${HOST}" }
c2s_ports = { ${port} }
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
allow_registration = true
network_backend = "epoll"
VirtualHost "${DOMAIN}"
Component "conference.${DOMAIN}" "muc"
  restrict_room_creation = false
  max_history_messages = 0
  muc_room_default_history_length = 0
  muc_room_default_presence_broadcast = { visitor = false; participant = false; moderator = false; }
`;

export const prosody = (members: number): Contestant<Relay> => ({
  name: "prosody, 1 node",
  durable: "nothing is kept",
  missing: missingProgram("prosody"),
  async start(folder) {
    const group = new Group(folder);
    const port = await freePort();
    const file = join(folder, "prosody.cfg.lua");
    mkdirSync(join(folder, "data"), { recursive: true });
    writeFileSync(file, prosodyFile(port, folder));
    group.start("prosody", ["prosody", "--config", file, "-F"]);
    await group.listens("prosody", port);
    return relay(group, port, members);
  },
});
