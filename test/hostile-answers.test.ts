/** What clients read from servers and from their own disks: hostile input of every kind. */
import { answerDecoders } from "./hostile/answers.ts";
import { fuzzAll } from "./hostile/fuzz.ts";

fuzzAll("clients", answerDecoders);
