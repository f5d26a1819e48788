/** What clients send, and what the command line and the page read: hostile input of every kind. */
import { clientDecoders } from "./hostile/clients.ts";
import { fuzzAll } from "./hostile/fuzz.ts";
import { pageDecoders } from "./hostile/page.ts";
import { terminalDecoders } from "./hostile/terminal.ts";

fuzzAll("people", [...clientDecoders, ...terminalDecoders, ...pageDecoders]);
