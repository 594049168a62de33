/** The command `registrar`: keeps a capability registered for several workers behind one URL. */
import { type Config, ConfigError } from "../../../../config.ts";
import { getLogger } from "../../../../log.ts";
import { untilAborted } from "../../../../streams/until-aborted.ts";
import { FleetCapacity } from "./fleet-capacity.ts";
import {
  assertByoc,
  assertNamesServed,
  doubtAbout,
  missingVariables,
  offersOf,
  remarkOnName,
} from "./offer.ts";
import { orchestratorsOf } from "./orchestrators.ts";
import { Registration } from "./registration.ts";

const log = getLogger("registration");

/**
 * Registers what the workers together can serve, until `stop` aborts. The registration stays then: the workers go on, and
 * a go-livepeer without it would no longer bill for their streams. Throws ConfigError naming the variables that are missing
 * or wrong.
 */
export async function runRegistrar(config: Config, stop: AbortSignal): Promise<void> {
  const { workers = [], capabilityUrl, capabilityToken: token } = config;
  const missing = [
    ...missingVariables(config),
    ...(workers.length === 0 ? ["WORKERS"] : []),
    ...(capabilityUrl === undefined ? ["CAPABILITY_URL"] : []),
    ...(token === undefined ? ["CAPABILITY_TOKEN"] : []),
  ];
  if (capabilityUrl === undefined || token === undefined || missing.length > 0)
    throw new ConfigError(missing.map((name) => `${name} is not set`).join("\n"));
  assertByoc(config);
  assertNamesServed(config);
  const remark = remarkOnName(config);
  if (remark !== null) log.warn("only streams are served under this name", { why: remark });
  const doubt = doubtAbout(config);
  if (doubt !== null)
    log.warn("the orchestrator probably cannot reach the workers", { why: doubt });
  const capacity = new FleetCapacity(
    workers,
    config.capabilityCapacity ?? Number.POSITIVE_INFINITY,
  );
  const registration = new Registration({
    orchestrators: orchestratorsOf(config, config.orchSecret ?? ""),
    offers: offersOf(config, { ownUrl: capabilityUrl, places: 0, token }),
    capacity,
  });
  await untilAborted(capacity.follow(stop), stop);
  await registration.stop();
  log.info("stopped; the registration remains: run the command unregister to withdraw it");
}
