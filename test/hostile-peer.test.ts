/** What servers say to each other, and what their ops say to a fold: hostile input of every kind. */
import { foldDecoders } from "./hostile/fold.ts";
import { fuzzAll } from "./hostile/fuzz.ts";
import { linkDecoders } from "./hostile/link.ts";
import { peerDecoders } from "./hostile/peer.ts";

fuzzAll("servers", [...peerDecoders, ...linkDecoders, ...foldDecoders]);
