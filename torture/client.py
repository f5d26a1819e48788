"""A client of the torture, written against docs/PROTOCOL.md alone: Python 3, its standard library, nothing of the SDK.

It takes orders and writes its history as torture/clients.ts and torture/history.ts say. Arguments: its name, the
servers. One thread: a loop over standard input and one WebSocket. Requests that have no answer when a connection
breaks are sent again to the next server, under their ids and in their order; events go on from the cursor.
"""

import base64
import collections
import hashlib
import json
import os
import random
import select
import socket
import struct
import sys
import time
import urllib.parse

PASSWORD = "correct horse battery"
# docs/PROTOCOL.md, "Several servers": two missed beats and a little.
SILENCE_S = 1.1
# Until the answer to session.resume.
CONNECT_S = 3.0
RETRY_S = 0.2
BACKOFF_S = (0.05, 1.0)
EDIT_EVERY, DELETE_EVERY, READ_EVERY = 7, 11, 23
PAGE, PAGE_MAX = 50, 200
LOOP_S = 0.02
# Of the moment, never replayed: their cursors don't count before `caught_up`.
MOMENTARY = {"presence.changed", "typing", "server.beat"}
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def request_id():
    """A UUIDv7 (RFC 9562, 5.7)."""
    ms = int(time.time() * 1000)
    bits = (ms << 80) | (7 << 76) | (random.getrandbits(12) << 64) | (2 << 62) | random.getrandbits(62)
    text = f"{bits:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


class Gone(Exception):
    """The connection is of no use any more."""


class WebSocket:
    """RFC 6455, the client's side: text frames, pings answered, no extensions."""

    def __init__(self, url):
        where = urllib.parse.urlsplit(url)
        try:
            self.socket = socket.create_connection((where.hostname, where.port), timeout=1.0)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            key = base64.b64encode(os.urandom(16))
            self.socket.sendall(
                b"GET /v1/ws HTTP/1.1\r\nHost: " + where.netloc.encode() + b"\r\n"
                b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + b"\r\n\r\n"
            )
            head, self.waiting = self._head()
        except OSError as error:
            raise Gone(str(error)) from None
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        if b" 101 " not in head.split(b"\r\n")[0] or accept not in head:
            raise Gone(head.split(b"\r\n")[0].decode("latin-1"))
        self.socket.setblocking(False)
        self.pieces = b""
        self.unsent = b""

    def _head(self):
        got = b""
        while b"\r\n\r\n" not in got:
            more = self.socket.recv(4096)
            if more == b"":
                raise OSError("closed within the handshake")
            got += more
        head, _, rest = got.partition(b"\r\n\r\n")
        return head, rest

    def send(self, payload, opcode=1):
        mask = os.urandom(4)
        n = len(payload)
        head = bytes([0x80 | opcode])
        if n < 126:
            head += bytes([0x80 | n])
        elif n < 65536:
            head += bytes([0x80 | 126]) + struct.pack(">H", n)
        else:
            head += bytes([0x80 | 127]) + struct.pack(">Q", n)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        self.unsent += head + mask + masked
        self.flush()

    def flush(self):
        try:
            while self.unsent:
                self.unsent = self.unsent[self.socket.send(self.unsent):]
        except BlockingIOError:
            pass
        except OSError as error:
            raise Gone(str(error)) from None

    def receive(self):
        """The texts that have come; raises Gone when the other end has closed."""
        try:
            while True:
                more = self.socket.recv(65536)
                if more == b"":
                    raise Gone("closed")
                self.waiting += more
        except BlockingIOError:
            pass
        except OSError as error:
            raise Gone(str(error)) from None
        while (frame := self._frame()) is not None:
            last, opcode, payload = frame
            if opcode == 8:
                raise Gone(f"closed with {payload[:2].hex()}")
            if opcode == 9:
                self.send(payload, 10)
            elif opcode in (0, 1):
                self.pieces += payload
                if last:
                    text, self.pieces = self.pieces, b""
                    yield text

    def _frame(self):
        data = self.waiting
        if len(data) < 2:
            return None
        n, at = data[1] & 0x7F, 2
        if n == 126:
            at = 4
        elif n == 127:
            at = 10
        if len(data) < at:
            return None
        if n == 126:
            n = struct.unpack(">H", data[2:4])[0]
        elif n == 127:
            n = struct.unpack(">Q", data[2:10])[0]
        if len(data) < at + n:
            return None
        self.waiting = data[at + n:]
        return data[0] & 0x80 != 0, data[0] & 0x0F, data[at:at + n]

    def close(self):
        self.socket.close()


class Request:
    """One intention: one id for all its attempts."""

    def __init__(self, method, params, done, wish=None, repeats=True):
        self.method, self.params, self.done, self.wish = method, params, done, wish
        # Reads are not repeated on another connection.
        self.repeats = repeats
        self.number = None  # of the attempt that is under way
        self.after = 0.0  # not sent again before this
        self.unanswered = False  # an earlier attempt has no outcome


class Client:
    def __init__(self, name, servers):
        self.name, self.servers, self.at = name, list(servers), -1
        self.web = None
        self.signed = False
        self.caught_up = False
        self.heard = 0.0
        self.begun = 0.0
        self.next_dial = 0.0
        self.failures = 0
        self.token = self.cursor = self.cluster = None
        self.number = 0
        self.requests = collections.OrderedDict()  # of the account, by request id
        self.opening = {}  # of the connection itself, by number
        self.by_number = {}
        self.channel = self.history = None
        self.every = None
        self.next_post = 0.0
        self.said = self.stored = 0
        self.posting = self.editing = False
        self.mine = []
        self.seen = {}  # what it shows: texts by id, of a deleted one the empty text
        self.order = None

    # What is written down.

    def write(self, **line):
        if self.history is not None:
            self.history.write(json.dumps(line) + "\n")
            self.history.flush()

    @staticmethod
    def now():
        return time.time() * 1000

    @staticmethod
    def shown(message):
        kept = {key: message[key] for key in ("id", "conversation", "text", "position")}
        return kept | {flag: True for flag in ("deleted", "late") if message.get(flag)}

    # The connection.

    def dial(self):
        self.at = (self.at + 1) % len(self.servers)
        try:
            self.web = WebSocket(self.servers[self.at])
        except Gone:
            self.put_off()
            return
        self.signed = self.caught_up = False
        self.begun = self.heard = time.monotonic()
        try:
            self.ask("server.hello", {"protocol": 1, "client": "torture.py"}, self.greeted)
        except Gone:
            self.broke()

    def put_off(self):
        """The next dialling, with growing and random waits once all servers were tried."""
        self.failures += 1
        rounds = self.failures // len(self.servers)
        longest = min(BACKOFF_S[1], BACKOFF_S[0] * 2 ** min(rounds, 10)) if rounds > 0 else 0.0
        self.next_dial = time.monotonic() + random.random() * longest

    def ask(self, method, params, done):
        self.number += 1
        self.opening[self.number] = done
        self.put(self.number, method, params)

    def put(self, number, method, params):
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        self.web.send(json.dumps(request).encode())

    def greeted(self, result, error):
        if error is not None:
            raise Gone(error["message"])
        if self.cluster is not None and result["cluster"] != self.cluster:
            raise Gone("another cluster")
        self.cluster = result["cluster"]
        if self.token is None:
            self.signed = self.caught_up = True  # as far as that goes without an account
            return
        params = {"token": self.token}
        if self.cursor is not None:
            params["cursor"] = self.cursor
        self.ask("session.resume", params, self.resumed)

    def resumed(self, _result, error):
        if error is None:
            self.signed = True
            self.failures = 0
            return
        code = error["data"]["code"]
        if code == "invalid" and self.cursor is not None:
            self.cursor = None
            self.reset()
        elif code in ("unauthorized", "session_ended"):
            sys.exit(f"{self.name}: the session is gone: {error['message']}")
        elif code == "behind" and error["data"].get("servers"):
            best = error["data"]["servers"][0]
            if best in self.servers:
                self.at = self.servers.index(best) - 1
        raise Gone(error["message"])

    def broke(self):
        """What has no answer yet goes to the next server, as it is."""
        if self.web is not None:
            self.web.close()
        self.web = None
        self.signed = False
        self.opening.clear()
        self.by_number.clear()
        for key, request in list(self.requests.items()):
            if request.number is None:
                continue
            request.number = None
            request.unanswered = True
            if request.wish is not None:
                self.write(**{"is": "broken", "at": self.now(), "id": key})
            if not request.repeats:
                del self.requests[key]
                request.done(None, {"data": {"code": "unavailable"}})
        self.put_off()

    def pump(self):
        """Sends what is to be sent, in order."""
        now = time.monotonic()
        for key, request in list(self.requests.items()):
            if request.number is not None or request.after > now:
                continue
            if self.token is None and request.method != "account.create":
                continue
            self.number += 1
            request.number = self.number
            self.by_number[self.number] = key
            if request.wish is not None:
                self.write(**{"is": "tried", "at": self.now(), "id": key, "wish": request.wish})
            self.put(self.number, request.method, request.params)

    def request(self, method, params, done, wish=None, repeats=True):
        key = request_id()
        if repeats:
            params = params | {"id": key}
        self.requests[key] = Request(method, params, done, wish, repeats)

    # What comes in.

    def take(self, text):
        frame = json.loads(text)
        self.heard = time.monotonic()
        if "method" in frame:
            self.event(frame["method"], frame["params"])
            return
        number, result, error = frame["id"], frame.get("result"), frame.get("error")
        if number in self.opening:
            self.opening.pop(number)(result, error)
        elif number in self.by_number:
            self.answered(self.by_number.pop(number), result, error)

    def answered(self, key, result, error):
        request = self.requests[key]
        request.number = None
        if error is None:
            if self.caught_up and "cursor" in result:
                self.cursor = result["cursor"]
            del self.requests[key]
            if request.wish is not None:
                self.told(key, result)
            request.done(result, None)
            return
        code = error["data"]["code"]
        outcome = {"outcome": "unknown"} if code == "indefinite" else {"outcome": "refused", "code": code}
        if request.wish is not None:
            self.write(**{"is": "told", "at": self.now(), "id": key, **outcome})
        if error["data"]["retry"] and request.repeats:
            wait = error["data"].get("retryAfterMs", RETRY_S * 1000) / 1000
            request.after = time.monotonic() + wait
            if code in ("shutting_down", "behind"):
                raise Gone(code)
            return
        del self.requests[key]
        request.done(None, error)

    def told(self, key, result):
        line = {"is": "told", "at": self.now(), "id": key, "outcome": "done"}
        line["held"] = result["receipt"]["held"]
        if "message" in result:
            line["message"] = self.shown(result["message"])
        if "channel" in result:
            line["channel"] = result["channel"]["id"]
        self.write(**line)
        self.stored += 1

    def event(self, method, params):
        if method == "message.posted" or method == "message.changed":
            self.show(params["message"], method == "message.posted")
        elif method == "message.held":
            held = params["receipt"]["held"]
            self.write(**{"is": "held", "at": self.now(), "message": params["id"], "held": held})
        elif method == "caught_up":
            self.caught_up = True
        elif method == "reset":
            self.caught_up = True
            self.reset()
        elif method == "server.stopping":
            raise Gone("it stops")
        elif method == "session.ended":
            sys.exit(f"{self.name}: the session was ended")
        if self.caught_up or method not in MOMENTARY:
            self.cursor = params["cursor"]

    def show(self, message, posted):
        if message["conversation"] != self.channel:
            return
        # Events may come twice; a message is the same if its id is.
        posted = posted and message["id"] not in self.seen
        self.see(message)
        line = {"is": "shown", "at": self.now(), "posted": posted, "message": self.shown(message)}
        self.write(**line)

    def see(self, message):
        if self.seen.get(message["id"]) != "":  # deleted stays deleted
            self.seen[message["id"]] = message["text"]

    def reset(self):
        self.seen.clear()
        self.write(**{"is": "reset", "at": self.now()})
        if self.channel is not None:
            self.read(True)

    # Talking.

    def talk(self):
        now = time.monotonic()
        if self.every is None or now < self.next_post or self.posting:
            return
        self.next_post = now + self.every
        self.said += 1
        n = self.said
        self.posting = True
        text = f"{self.name} {n} {os.urandom(9).hex()}"  # a word to look for on disks
        params = {"to": self.channel, "text": text}
        self.request("message.post", params, self.posted, {"op": "post", "text": text})
        if n % EDIT_EVERY == 0 and self.mine and not self.editing:
            self.editing = True
            message, text = self.mine[-1], f"{self.name} edited {n} {os.urandom(9).hex()}"
            wish = {"op": "edit", "message": message, "text": text}
            self.request("message.edit", {"message": message, "text": text}, self.edited, wish)
        if n % DELETE_EVERY == 0 and self.mine:
            message = self.mine.pop(0)
            wish = {"op": "delete", "message": message}
            self.request("message.delete", {"message": message}, lambda *_: None, wish)
        if n % READ_EVERY == 0:
            self.read(False)

    def posted(self, result, _error):
        self.posting = False
        if result is not None:
            self.mine.append(result["message"]["id"])

    def edited(self, _result, _error):
        self.editing = False

    def read(self, whole, before=None, messages=None, begun=None):
        """The newest page, or one page after the other; after a refusal of a whole reading it begins anew."""
        messages = messages or []
        begun = begun or self.now()
        params = {"in": self.channel, "limit": PAGE_MAX if whole else PAGE}
        if before is not None:
            params["before"] = before
        if self.cursor is not None:
            params["at"] = self.cursor

        def came(result, _error):
            if result is None:
                if whole:
                    self.read(True)
                return
            page = [self.shown(message) for message in result["messages"]] + messages
            if whole and "next" in result:
                self.read(True, result["next"], page, begun)
                return
            for message in page:
                self.see(message)
            line = {"is": "read", "begun": begun, "at": self.now(), "whole": whole, "messages": page}
            self.write(**line)

        self.request("message.history", params, came, repeats=False)

    # Orders.

    def obey(self, order):
        """Begins an order; `self.order` tells whether it is done, and with what."""
        what = order["do"]
        if what == "enter":
            done = []
            person = {"name": self.name, "password": PASSWORD}
            self.request("account.create", person, lambda *answer: done.append(self.entered(*answer)))
            self.order = lambda: (None,) if done else None
        elif what == "join":
            self.channel = order["channel"]
            self.history = open(order["history"], "a", encoding="utf-8")
            self.said = self.stored = 0
            self.mine, self.seen = [], {}
            done = []
            self.join(done)
            self.order = lambda: (None,) if done else None
        elif what == "begin":
            self.every = order["everyMs"] / 1000
            self.order = lambda: (None,)
        elif what == "race":
            wish = {"op": "channel", "name": order["name"]}
            self.request("channel.create", {"name": order["name"]}, lambda *_: None, wish)
            self.order = lambda: (None,)
        elif what == "progress":
            at = self.servers[self.at] if self.signed else ""
            progress = {"said": self.said, "stored": self.stored, "open": len(self.requests), "at": at}
            self.order = lambda: (progress,)
        elif what == "end":
            self.every = None
            self.order = lambda: None if self.requests else (None,)
        elif what == "hear":
            until = time.monotonic() + order["patienceMs"] / 1000
            self.order = lambda: self.hears(order["messages"], until)
        else:
            sys.exit(f"{self.name}: no order {what}")

    def entered(self, result, error):
        if result is None:
            sys.exit(f"{self.name}: no account: {error['message']}")
        self.token = result["token"]
        self.cursor = result["cursor"]

    def join(self, done):
        def joined(result, error):
            if result is not None:
                done.append(result)
            elif error["data"]["code"] == "not_found":
                self.join(done)  # a server that was not waited for may not know the channel yet
            else:
                sys.exit(f"{self.name}: not joined: {error['message']}")

        self.request("channel.join", {"in": self.channel}, joined)

    def hears(self, messages, until):
        """Whether it shows what there is, and nothing else."""
        there = {message["id"] for message in messages}
        wrong = sum(1 for message in messages if self.is_wrong(message))
        amiss = wrong + sum(1 for key in self.seen if key not in there)
        return (amiss,) if amiss == 0 or time.monotonic() > until else None

    def is_wrong(self, message):
        if message["id"] not in self.seen:
            return not message.get("deleted", False)
        return self.seen[message["id"]] != message["text"]

    # The loop.

    def turn(self):
        if self.web is None:
            if time.monotonic() >= self.next_dial:
                self.dial()
            return
        try:
            for text in self.web.receive():
                self.take(text)
            patience = SILENCE_S if self.signed else CONNECT_S
            since = self.heard if self.signed else self.begun
            # Without an account there are no beats.
            if self.token is not None and time.monotonic() - since > patience:
                raise Gone("silent")
            if self.signed:
                self.talk()
                self.pump()
            self.web.flush()
        except Gone:
            self.broke()

    def run(self):
        typed = b""
        while True:
            waiting = [0] if self.web is None else [0, self.web.socket]
            ready, _, _ = select.select(waiting, [], [], LOOP_S)
            if 0 in ready:
                more = os.read(0, 65536)
                if more == b"":
                    return
                typed += more
            if self.order is None and b"\n" in typed:
                line, _, typed = typed.partition(b"\n")
                self.obey(json.loads(line))
            self.turn()
            answer = None if self.order is None else self.order()
            if answer is not None:
                self.order = None
                print(json.dumps({"outcome": answer[0]}), flush=True)


if __name__ == "__main__":
    Client(sys.argv[1], sys.argv[2:]).run()
