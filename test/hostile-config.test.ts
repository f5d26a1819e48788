/** What an operator says, by file, environment and flags: hostile input of every kind. */
import { configDecoders } from "./hostile/config.ts";
import { fuzzAll } from "./hostile/fuzz.ts";

fuzzAll("operators", configDecoders);
