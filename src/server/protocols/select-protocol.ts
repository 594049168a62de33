/** Selects the control protocol of a start at `/stream/start` by the members of its body (protocol.md 9 row 8). */
import { isByocStart } from "./byoc/byoc-protocol.ts";
import type { StartProtocol } from "./control-protocol.ts";

/** The protocols that share `/stream/start`. */
export interface Protocols {
  readonly seed: StartProtocol;
  readonly byoc: StartProtocol;
}

/** A body with a member that only orchestrators send is BYOC's; every other one is the seed's. */
export const selectProtocol = (body: unknown, { seed, byoc }: Protocols): StartProtocol =>
  isByocStart(body) ? byoc : seed;
