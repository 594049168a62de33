/** Builds registrations from the settings, and finds doubtful settings. */
import { CAPABILITIES } from "../../../../capabilities/registry.ts";
import type { Config } from "../../../../config.ts";
import { bareHost } from "../../../hosts/ip-address.ts";
import { isLoopback, isUnspecified } from "../../../hosts/own-address.ts";

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

/** Names the variables that are missing and without which nothing can be registered. */
export const missingVariables = ({ orchUrl = [], orchSecret }: Config): readonly string[] => [
  ...(orchUrl.length === 0 ? ["ORCH_URL"] : []),
  ...(orchSecret === undefined ? ["ORCH_SECRET"] : []),
];

/** Says why an orchestrator probably cannot reach this server under its URL; null if it looks reachable. */
export function doubtAbout({ orchUrl = [], capabilityUrl }: Config): string | null {
  const remote = orchUrl.find((url) => !isLoopback(hostOf(url)));
  if (remote === undefined) return null;
  const way = `set it to an address of this server that ${remote} can reach`;
  if (capabilityUrl === undefined) return `CAPABILITY_URL is not set: ${way}`;
  const host = hostOf(capabilityUrl);
  if (isUnspecified(host))
    return `CAPABILITY_URL ${capabilityUrl} is a wildcard address, which nobody can connect to: ${way}`;
  if (isLoopback(host))
    return `CAPABILITY_URL ${capabilityUrl} is reachable from this machine alone, and the orchestrator is on another: ${way}`;
  return null;
}

const hostOf = (url: string): string => bareHost(new URL(url).hostname);

const descriptionOf = (name: string): string =>
  CAPABILITIES.find((one) => one.name === name)?.description ?? "";
