/** The commands `register` and `unregister`: one try each, reported in plain words. */
import { type Config, ConfigError } from "../../../../config.ts";
import { chooseDevices, defaultMaxStreams } from "../../../engines/devices.ts";
import {
  assertByoc,
  assertNamesServed,
  doubtAbout,
  missingVariables,
  type Offer,
  offersOf,
  remarkOnName,
} from "./offer.ts";
import type { OrchestratorClient } from "./orchestrator-client.ts";
import { orchestratorsOf } from "./orchestrators.ts";

export interface OnceReport {
  /** False if anything failed. */
  readonly ok: boolean;
  /** Doubts about the settings, then a line for each name at each orchestrator. */
  readonly report: string;
  /** What will keep jobs from working although all went well; for stderr. */
  readonly warnings: readonly string[];
}

type Action = "register" | "unregister";

/** Throws ConfigError naming the variables that are missing or wrong. */
export async function runOnce(action: Action, config: Config, ownUrl: string): Promise<OnceReport> {
  const { capabilityToken: token, orchSecret = "" } = config;
  const missing = missingVariables(config).map((name) => `${name} is not set`);
  if (missing.length > 0) throw new ConfigError(missing.join("\n"));
  assertByoc(config);
  if (action === "register") assertNamesServed(config);
  const places = config.maxStreams ?? defaultMaxStreams(chooseDevices(config.device).names);
  const offers = offersOf(config, { ownUrl, places, ...(token === undefined ? {} : { token }) });
  const results = await Promise.all(
    orchestratorsOf(config, orchSecret).flatMap((client) =>
      offers.map((offer) => runOne(action, client, offer)),
    ),
  );
  const doubt = action === "register" ? doubtAbout(config) : null;
  const remark = action === "register" ? remarkOnName(config) : null;
  const doubts = [doubt, remark].filter((one) => one !== null);
  const lines = [...doubts.map((one) => `warning: ${one}`), ...results.map((r) => r.line)];
  const warnings = action === "register" && token === undefined ? [WITHOUT_TOKEN] : [];
  return { ok: results.every(({ ok }) => ok), report: lines.join("\n"), warnings };
}

const WITHOUT_TOKEN =
  "warning: CAPABILITY_TOKEN is not set: a server with ORCH_URL makes one at each start, registers it by itself, and refuses orchestrators without it";

async function runOne(action: Action, client: OrchestratorClient, offer: Offer) {
  const never = new AbortController().signal;
  const outcome = await (action === "register"
    ? client.register(offer, never)
    : client.unregister(offer.name, never));
  if (outcome.kind !== "done") {
    const line = `${offer.name} not ${action}ed at ${client.url}: ${outcome.message}`;
    return { ok: false, line };
  }
  const what = action === "register" ? ` as ${offer.url}, capacity ${offer.capacity},` : "";
  return { ok: true, line: `${offer.name} ${action}ed${what} at ${client.url}` };
}
