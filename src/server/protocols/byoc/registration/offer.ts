/** Builds registrations from the settings, and finds doubtful settings. */
import { CAPABILITIES, isCapability } from "../../../../capabilities/registry.ts";
import { type Config, ConfigError } from "../../../../config.ts";
import { nearestName } from "../../../../nearest-name.ts";
import { doubtAboutUrl, pathDoubt } from "../../url-doubt.ts";

/** The body of a registration (protocol.md 2.1): numbers are integers, the URL has no trailing slash. */
export interface Offer {
  readonly name: string;
  readonly url: string;
  readonly capacity: number;
  readonly price_per_unit: number;
  readonly price_scaling: number;
  readonly currency: string;
  readonly description: string;
  /** Orchestrators send it as `Authorization: Bearer`. */
  readonly token?: string;
}

/** Where the settings leave something open. */
export interface OfferDefaults {
  /** The URL of this server where CAPABILITY_URL is not set. */
  readonly ownUrl: string;
  /** Streams and jobs it takes, where CAPABILITY_CAPACITY is not set. */
  readonly places: number;
  readonly token?: string;
}

/** One offer per name; several names behind one URL are told apart by the path `/c/{name}`. */
export function offersOf(
  config: Config,
  { ownUrl, places, token }: OfferDefaults,
): readonly Offer[] {
  const url = config.capabilityUrl ?? ownUrl;
  const names = [...new Set(config.capabilityName)];
  return names.map((name) => ({
    name,
    url: names.length === 1 ? url : `${url}/c/${name}`,
    capacity: config.capabilityCapacity ?? places,
    price_per_unit: config.capabilityPricePerUnit,
    price_scaling: config.capabilityPriceScaling,
    currency: config.capabilityCurrency,
    description: config.capabilityDescription ?? descriptionOf(name),
    ...(token === undefined ? {} : { token }),
  }));
}

/**
 * Throws ConfigError where several names are to be registered and one of them is not a capability of this program: jobs
 * under it would be answered with 404. A single name may be anything: see `remarkOnName`.
 */
export function assertNamesServed({ capabilityName }: Pick<Config, "capabilityName">): void {
  const names = [...new Set(capabilityName)];
  const unknown = names.filter((name) => !isCapability(name));
  if (names.length === 1 || unknown.length === 0) return;
  throw new ConfigError(
    `CAPABILITY_NAME has names that are not capabilities of this program: ${unknown.map(withMeant).join(", ")}; ` +
      `there are ${KNOWN_NAMES.join(", ")}; a name of your own must be the only one`,
  );
}

/** What can be done under a single name that is not a capability of this program; null for a capability. */
export function remarkOnName({ capabilityName }: Pick<Config, "capabilityName">): string | null {
  const [name = "", ...more] = new Set(capabilityName);
  if (more.length > 0 || isCapability(name)) return null;
  return (
    `${withMeant(name)} is not a capability of this program: streams run under it, but a job must name ` +
    `one of ${KNOWN_NAMES.join(", ")} in its path, and is refused otherwise`
  );
}

/** Throws ConfigError where no capability is to be registered: a live runner registers by the heartbeats of its server. */
export function assertByoc({ orchMode }: Pick<Config, "orchMode">): void {
  if (orchMode !== "runner") return;
  throw new ConfigError(
    "ORCH_MODE=runner registers no capability: a live runner is registered by its server, for as long as that runs",
  );
}

const KNOWN_NAMES = CAPABILITIES.map(({ name }) => name);
const ALL_NAMES = CAPABILITIES.flatMap(({ name, aliases }) => [name, ...aliases]);

function withMeant(name: string): string {
  const meant = nearestName(name, ALL_NAMES);
  return meant === null ? name : `${name} (did you mean ${meant}?)`;
}

/** Names the variables that are missing and without which nothing can be registered. */
export const missingVariables = ({ orchUrl = [], orchSecret }: Config): readonly string[] => [
  ...(orchUrl.length === 0 ? ["ORCH_URL"] : []),
  ...(orchSecret === undefined ? ["ORCH_SECRET"] : []),
];

/** Says why an orchestrator probably cannot reach this server under its URL; null if it looks reachable. */
export function doubtAbout({ orchUrl = [], capabilityUrl }: Config): string | null {
  const registered = { variable: "CAPABILITY_URL", url: capabilityUrl };
  return doubtAboutUrl(registered, orchUrl) ?? pathDoubt(registered);
}

const descriptionOf = (name: string): string =>
  CAPABILITIES.find((one) => one.name === name)?.description ?? "";
