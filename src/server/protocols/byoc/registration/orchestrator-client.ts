/** Hides how an orchestrator is talked to, and what its odd answers mean in words (protocol.md 2.1, 2.2). */
import { reason } from "../../../../errors.ts";
import { cut } from "../../../field-errors.ts";
import type { Offer } from "./offer.ts";

const TIMEOUT_MS = 10_000;
const SHOWN_CHARACTERS = 200;
/** Those that need no price feed. */
const SURE_CURRENCIES = ["wei", "eth"];

/** `refused`: an operator must change something. `unreachable`: it may pass. `says` never holds a secret. */
export type Outcome =
  | { readonly kind: "done" }
  | { readonly kind: "refused" | "unreachable"; readonly says: string };

export class OrchestratorClient {
  /** As in ORCH_URL. */
  readonly url: string;
  readonly #secret: string;

  constructor(url: string, secret: string) {
    this.url = url;
    this.#secret = secret;
  }

  /** Registers or replaces. What was cut short by `signal` may have happened or not. */
  async register(offer: Offer, signal: AbortSignal): Promise<Outcome> {
    const outcome = await this.#post("register", JSON.stringify(offer), signal);
    const { currency, token } = offer;
    if (outcome.kind === "done") return outcome;
    // go-livepeer drops the connection of a currency that it cannot convert.
    if (outcome.dropped && !SURE_CURRENCIES.includes(currency.toLowerCase())) {
      const says = `it closed the connection without an answer, as it does for a currency that it has no price of: is CAPABILITY_CURRENCY=${currency} right?`;
      return { kind: "refused", says };
    }
    const says = token === undefined ? outcome.says : outcome.says.replaceAll(token, "…");
    return { kind: outcome.kind, says };
  }

  /** Fine for a name that it does not know. */
  async unregister(name: string, signal: AbortSignal): Promise<Outcome> {
    return this.#post("unregister", name, signal);
  }

  async #post(action: "register" | "unregister", body: string, signal: AbortSignal) {
    try {
      const response = await fetch(`${this.url}/capability/${action}`, {
        method: "POST",
        body,
        headers: {
          authorization: this.#secret,
          "content-type": action === "register" ? "application/json" : "text/plain",
        },
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
        // The secret goes nowhere else.
        redirect: "manual",
        // A connection that the other side has closed meanwhile would look like a refusal.
        keepalive: false,
        // Orchestrators make their own certificates.
        tls: { rejectUnauthorized: false },
        // Bun's documented switch against HTTP_PROXY in the environment; the typings know only the proxy's URL.
        ...({ proxy: false } as object),
      });
      return this.#judge(response.status, await response.text());
    } catch (error) {
      const dropped = error instanceof Error && "code" in error && error.code === "ECONNRESET";
      return { kind: "unreachable" as const, says: this.#safe(reason(error)), dropped };
    }
  }

  #judge(status: number, text: string) {
    if (status === 200) return { kind: "done" as const };
    const shown = this.#safe(cut(text.trim(), SHOWN_CHARACTERS));
    const kind = status >= 500 ? ("unreachable" as const) : ("refused" as const);
    return { kind, says: explain(status, shown), dropped: false };
  }

  #safe(text: string): string {
    return text.replaceAll(this.#secret, "…");
  }
}

function explain(status: number, text: string): string {
  if (status === 400 && text.includes("invalid authorization"))
    return "it does not accept ORCH_SECRET: it must be the orchestrator's -orchSecret";
  if (status === 400) return `it does not accept the registration: ${text}`;
  if (status === 404 || status === 405)
    return `it answered ${status}: ORCH_URL must be the service address of an orchestrator whose go-livepeer has BYOC`;
  if (status >= 300 && status < 400)
    return `it redirects (${status}): set ORCH_URL to the address it redirects to`;
  return `it answered ${status}: ${text}`;
}
