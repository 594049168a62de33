/** Lists the targets of hostile HTTP. */
import type { FuzzTarget } from "../fuzz.ts";
import { bodyBytes } from "./body-bytes.ts";
import { framing } from "./framing.ts";
import { jsonBodies } from "./json-bodies.ts";
import { jsonTexts } from "./json-texts.ts";
import { livepeerHeader } from "./livepeer-header.ts";
import { requestHeads } from "./request-heads.ts";
import { runnerRequests } from "./runner-requests.ts";
import { trickleRequests } from "./trickle-requests.ts";

export const HTTP_TARGETS: readonly FuzzTarget[] = [
  jsonTexts,
  livepeerHeader,
  jsonBodies,
  bodyBytes,
  requestHeads,
  framing,
  trickleRequests,
  runnerRequests,
];
