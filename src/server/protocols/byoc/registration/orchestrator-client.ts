/** Talks to an orchestrator: registers and unregisters, and explains its answers in words (protocol.md 2.1, 2.2). */
import { answerTimeout } from "../../../../answer-timeout.ts";
import { describeFailure } from "../../../../request-failure.ts";
import { cut } from "../../../../shown-value.ts";
import {
  askOrchestrator,
  type OrchestratorAnswer,
  type OrchestratorRequest,
  type OrchestratorTls,
} from "../../orchestrator-http.ts";
import type { Offer } from "./offer.ts";

const TIMEOUT_MS = 10_000;
const SHOWN_CHARACTERS = 200;
/** Currencies that need no price feed. */
const SURE_CURRENCIES = ["wei", "eth"];

/**
 * `refused`: an operator must change a setting. `unsupported`: it has no BYOC. `unreachable`: may pass by itself. `message`
 * never holds a secret.
 */
export type Outcome =
  | { readonly kind: "done" }
  | { readonly kind: "refused" | "unsupported" | "unreachable"; readonly message: string };

export interface OrchestratorOptions {
  /** `ORCH_SECRET`. */
  readonly secret: string;
  readonly tls: OrchestratorTls;
}

export class OrchestratorClient {
  /** As in ORCH_URL. */
  readonly url: string;
  readonly #secret: string;
  readonly #tls: OrchestratorTls;

  constructor(url: string, { secret, tls }: OrchestratorOptions) {
    this.url = url;
    this.#secret = secret;
    this.#tls = tls;
  }

  /** Registers, or replaces a registration. What `signal` cut short may have happened or not. */
  async register(offer: Offer, signal: AbortSignal): Promise<Outcome> {
    const outcome = await this.#post("register", { json: offer }, signal);
    const { currency, token } = offer;
    if (outcome.kind === "done") return outcome;
    // go-livepeer drops the connection of a currency that it cannot convert.
    if (outcome.dropped && !SURE_CURRENCIES.includes(currency.toLowerCase())) {
      const message = `it closed the connection without an answer, as it does for a currency that it has no price for: is CAPABILITY_CURRENCY=${currency} right?`;
      return { kind: "refused", message };
    }
    const message = token === undefined ? outcome.message : outcome.message.replaceAll(token, "…");
    return { kind: outcome.kind, message };
  }

  /** Succeeds for a name that it does not know, too. */
  async unregister(name: string, signal: AbortSignal): Promise<Outcome> {
    return this.#post("unregister", { text: name }, signal);
  }

  async #post(
    action: "register" | "unregister",
    body: Pick<OrchestratorRequest, "json" | "text">,
    signal: AbortSignal,
  ) {
    using late = answerTimeout(TIMEOUT_MS);
    try {
      const answer = await askOrchestrator(`${this.url}/capability/${action}`, {
        ...body,
        method: "POST",
        headers: { authorization: this.#secret },
        signal: AbortSignal.any([signal, late.signal]),
        tls: this.#tls,
      });
      return this.#judge(answer);
    } catch (error) {
      const dropped = error instanceof Error && "code" in error && error.code === "ECONNRESET";
      return { kind: "unreachable" as const, message: this.#safe(describeFailure(error)), dropped };
    }
  }

  #judge({ status, text }: OrchestratorAnswer) {
    if (status === 200) return { kind: "done" as const };
    const shown = this.#safe(cut(text.trim(), SHOWN_CHARACTERS));
    return { kind: kindOf(status), message: explain(status, shown), dropped: false };
  }

  #safe(text: string): string {
    return text.replaceAll(this.#secret, "…");
  }
}

function kindOf(status: number) {
  if (status === 404 || status === 405) return "unsupported" as const;
  return status >= 500 ? ("unreachable" as const) : ("refused" as const);
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
