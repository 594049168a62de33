/** Makes the clients of all orchestrators that the settings name. */
import type { Config } from "../../../../config.ts";
import { OrchestratorClient } from "./orchestrator-client.ts";

export const orchestratorsOf = (
  { orchUrl = [], orchTlsVerify, orchCa }: Config,
  secret: string,
): readonly OrchestratorClient[] =>
  orchUrl.map((url) => {
    const ca = orchCa === undefined ? {} : { ca: orchCa };
    return new OrchestratorClient(url, { secret, verifyTls: orchTlsVerify, ...ca });
  });
