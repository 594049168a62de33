/** Classifies an orchestrator's refusal of a heartbeat, and names the setting that causes it (live-runner.md 1, 2.2). */
import type { HeartbeatBody } from "./heartbeat.ts";
import type { BeatOutcome } from "./runner-client.ts";

/** @param answer of another status than 200; `text` is its message, without credentials */
export function explainRefusal(
  { status, text }: { readonly status: number; readonly text: string },
  body: HeartbeatBody,
): BeatOutcome {
  const said = text === "" ? "" : `: ${text}`;
  if (status === 401) return { kind: "unauthorized", message: `it answered 401${said}` };
  if (status === 404 && !IS_OFF.test(text))
    return { kind: "unknown", message: `it answered 404${said}` };
  if (status === 404)
    return {
      kind: "off",
      message: `it takes no runners that register themselves (404${said}): its operator must set -orchSecret (go-livepeer) or a bootstrap secret (livepeer/node), and its release must have live runners`,
    };
  if (status === 405)
    return { kind: "off", message: "it takes no runners that register themselves (405)" };
  if (status >= 300 && status < 400)
    return {
      kind: "refused",
      message: `it redirects (${status}): set ORCH_URL to the address it redirects to`,
    };
  if (status >= 500 || status === 408 || status === 429)
    return { kind: "unreachable", message: `it answered ${status}${said}` };
  if (/static runner/i.test(text))
    return { kind: "static_id", message: `it answered ${status}${said}` };
  const cause = causeOf(text, body);
  return {
    kind: "refused",
    message: `it answered ${status}${said}${cause === null ? "" : ` (${cause})`}`,
  };
}

/** In the message of an orchestrator without dynamic registration, or without live runners. */
const IS_OFF = /disabled|not supported|page not found/i;

/** The setting that causes a refusal and its remedy; null where the message names none. */
function causeOf(
  text: string,
  { price_info, runner_url, capacity, app }: HeartbeatBody,
): string | null {
  const { price, unit } = price_info;
  if (/720p|\bunit\b/i.test(text))
    return `RUNNER_PRICE_UNIT=${unit}: livepeer/node accepts hour and fixed; go-livepeer also accepts 720p`;
  if (/pric|paid|payment/i.test(text))
    return price > 0
      ? `RUNNER_PRICE=${price}: some releases of livepeer/node without a blockchain accept only 0`
      : `RUNNER_PRICE=${price}: an orchestrator on a blockchain wants a price above 0`;
  if (/runner_url/i.test(text))
    return `RUNNER_URL: it must be an absolute http or https URL, and is ${new URL(runner_url).origin}`;
  if (/metadata/i.test(text)) return "RUNNER_METADATA";
  if (/runner_id/i.test(text)) return "RUNNER_ID";
  // livepeer/node names both in one message.
  if (/capacity/i.test(text))
    return `RUNNER_APP=${app}, RUNNER_CAPACITY: ${capacity} is advertised`;
  if (/\bapp\b/i.test(text)) return `RUNNER_APP=${app}`;
  if (/label/i.test(text)) return "RUNNER_LABEL";
  return null;
}
