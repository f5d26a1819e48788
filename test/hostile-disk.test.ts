/** What stands on disks, of logs, backups and secrets: hostile input of every kind. */
import { diskDecoders } from "./hostile/disk.ts";
import { fuzzAll } from "./hostile/fuzz.ts";

fuzzAll("disks", diskDecoders);
