/** Makes the clients of all orchestrators that the settings name. */
import type { Config } from "../../../../config.ts";
import { orchestratorTls } from "../../orchestrator-http.ts";
import { OrchestratorClient } from "./orchestrator-client.ts";

export const orchestratorsOf = (config: Config, secret: string): readonly OrchestratorClient[] =>
  (config.orchUrl ?? []).map(
    (url) => new OrchestratorClient(url, { secret, tls: orchestratorTls(config) }),
  );
