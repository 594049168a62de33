/** Hides how settings become what an orchestrator is told of each capability, and what is doubtful in them. */
import { CAPABILITIES } from "../../../../capabilities/registry.ts";
import type { Config } from "../../../../config.ts";
import { isLoopback } from "../../../hosts/own-address.ts";

/** The body of a registration (protocol.md 2.1): numbers are integers, the URL has no slash at its end. */
export interface Offer {
  readonly name: string;
  readonly url: string;
  readonly capacity: number;
  readonly price_per_unit: number;
  readonly price_scaling: number;
  readonly currency: string;
  readonly description: string;
  /** What orchestrators then send as `Authorization: Bearer`. */
  readonly token?: string;
}

/** What the settings alone do not tell. */
export interface Serving {
  /** Where this server is reached if CAPABILITY_URL does not say. */
  readonly ownUrl: string;
  /** Streams and jobs it takes, for where CAPABILITY_CAPACITY does not say. */
  readonly places: number;
  readonly token?: string;
}

/** One offer for each name; several names behind one URL are told apart by their paths, `/c/{name}`. */
export function offersOf(config: Config, { ownUrl, places, token }: Serving): readonly Offer[] {
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

/** Variables without which nothing can be registered; empty when all are there. */
export const missingVariables = ({ orchUrl = [], orchSecret }: Config): readonly string[] => [
  ...(orchUrl.length === 0 ? ["ORCH_URL"] : []),
  ...(orchSecret === undefined ? ["ORCH_SECRET"] : []),
];

/** A sentence for a URL under which an orchestrator will probably not find this server; null for a sound one. */
export function doubtAbout({ orchUrl = [], capabilityUrl }: Config): string | null {
  const remote = orchUrl.find((url) => !isLoopback(hostOf(url)));
  if (remote === undefined) return null;
  const way = `set it to an address of this server that ${remote} reaches`;
  if (capabilityUrl === undefined) return `CAPABILITY_URL is not set: ${way}`;
  const host = hostOf(capabilityUrl);
  if (/^(0\.0\.0\.0|::)$/.test(host))
    return `CAPABILITY_URL ${capabilityUrl} is where a server listens and nobody can connect: ${way}`;
  if (isLoopback(host))
    return `CAPABILITY_URL ${capabilityUrl} is this machine's alone, and the orchestrator is another: ${way}`;
  return null;
}

const hostOf = (url: string): string => new URL(url).hostname.replace(/^\[|\]$/g, "");

const descriptionOf = (name: string): string =>
  CAPABILITIES.find((one) => one.name === name)?.description ?? "";
