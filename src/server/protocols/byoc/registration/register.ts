/** Begins to register this server's capabilities, as far as the settings want it. */
import type { Config } from "../../../../config.ts";
import { getLogger } from "../../../../log.ts";
import { type ServedCapacity, servedCapacity } from "../../../capacity.ts";
import { doubtAbout, missingVariables, offersOf, remarkOnName } from "./offer.ts";
import { orchestratorsOf } from "./orchestrators.ts";
import { Registration } from "./registration.ts";

const log = getLogger("registration");

export interface RegistrationNeeds extends Omit<ServedCapacity, "full"> {
  /** Registered where CAPABILITY_URL is not set. */
  readonly ownUrl: string;
  /** What orchestrators send with every call. */
  readonly token: string | undefined;
}

/** Null where only a runner is registered, or where an orchestrator or its secret is not set. */
export function register(
  config: Config,
  { ownUrl, token, ...serving }: RegistrationNeeds,
): Registration | null {
  const { orchMode, runnerApp, runnerKey } = config;
  if (orchMode === "runner") return null;
  const [missing, ...others] = missingVariables(config);
  if (missing !== undefined) {
    if (missing === "ORCH_SECRET" && (config.capabilityToken ?? runnerKey) !== undefined)
      log.info("not registering automatically: ORCH_SECRET is not set");
    // With none of them set, no registration is wanted.
    else if (others.length === 0) log.error(`nothing is registered: ${missing} is not set`);
    return null;
  }
  const doubt = doubtAbout(config);
  if (doubt !== null)
    log.warn("the orchestrator probably cannot reach this server", { why: doubt });
  const remark = remarkOnName(config);
  if (remark !== null) log.warn("only streams are served under this name", { why: remark });
  const places = serving.admission.capacity;
  const offers = offersOf(config, { ownUrl, places, ...(token === undefined ? {} : { token }) });
  return new Registration({
    orchestrators: orchestratorsOf(config, config.orchSecret ?? ""),
    offers,
    capacity: servedCapacity({ ...serving, full: config.capabilityCapacity ?? places }),
    // An orchestrator that has no BYOC may take the runner.
    unsupportedLevel: orchMode !== "byoc" && runnerApp !== undefined ? "warning" : "error",
  });
}
