/** Hides the `register` and `unregister` commands: one try each, in plain words. */
import { type Config, ConfigError } from "../../../../config.ts";
import { chooseDevices, defaultMaxStreams } from "../../../engines/devices.ts";
import { doubtAbout, missingVariables, offersOf } from "./offer.ts";
import { OrchestratorClient } from "./orchestrator-client.ts";

/** What was done: a line for each name at each orchestrator, and doubts before them. */
export interface OnceReport {
  /** False if any of it failed. */
  readonly ok: boolean;
  readonly report: string;
}

/** Throws ConfigError naming the variables that are missing. */
export async function runOnce(
  action: "register" | "unregister",
  config: Config,
  ownUrl: string,
): Promise<OnceReport> {
  const { apiToken, capabilityToken: token, orchUrl = [], orchSecret = "" } = config;
  const missing = missingVariables(config).map((name) => `${name} is not set`);
  if (action === "register" && apiToken !== undefined && token === undefined)
    missing.push(
      "CAPABILITY_TOKEN is not set: with API_TOKEN the server then makes one at each start and registers it itself",
    );
  if (missing.length > 0) throw new ConfigError(missing.join("\n"));
  const places = config.maxStreams ?? defaultMaxStreams(chooseDevices(config.device).names);
  const offers = offersOf(config, { ownUrl, places, ...(token === undefined ? {} : { token }) });
  const never = new AbortController().signal;
  const results = await Promise.all(
    orchUrl.flatMap((url) => {
      const client = new OrchestratorClient(url, orchSecret);
      return offers.map(async (offer) => {
        const outcome =
          action === "register"
            ? await client.register(offer, never)
            : await client.unregister(offer.name, never);
        if (outcome.kind !== "done")
          return { ok: false, line: `${offer.name} not ${action}ed at ${url}: ${outcome.says}` };
        const what = action === "register" ? ` as ${offer.url}, capacity ${offer.capacity},` : "";
        return { ok: true, line: `${offer.name} ${action}ed${what} at ${url}` };
      });
    }),
  );
  const doubt = action === "register" ? doubtAbout(config) : null;
  const lines = [...(doubt === null ? [] : [`warning: ${doubt}`]), ...results.map((r) => r.line)];
  return { ok: results.every(({ ok }) => ok), report: lines.join("\n") };
}
