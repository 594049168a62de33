/** Follows the address that an orchestrator names for callbacks, and warns where it does not answer (live-runner.md 2.1). */

import { answerTimeout } from "../../../../answer-timeout.ts";
import { getLogger } from "../../../../log.ts";
import { redactUrl } from "../../../../redact-url.ts";
import { describeFailure } from "../../../../request-failure.ts";
import { askOrchestrator, type OrchestratorTls } from "../../orchestrator-http.ts";

const log = getLogger("registration");

const TIMEOUT_MS = 5000;

export class CallbackProbe {
  readonly #orchestrator: string;
  readonly #tls: OrchestratorTls;
  #base: string | null = null;

  /** `orchestrator`: as in ORCH_URL. */
  constructor(orchestrator: string, tls: OrchestratorTls) {
    this.#orchestrator = orchestrator;
    this.#tls = tls;
  }

  /** The origin of callbacks; null before a heartbeat was answered with one. */
  get origin(): string | null {
    const url = this.#base === null ? null : URL.parse(this.#base);
    return url === null || !/^https?:$/.test(url.protocol) ? null : url.origin;
  }

  /** Takes the base of the latest answer. A new one at another origin than ORCH_URL is tried once. */
  follow(base: string | null): void {
    if (base === null || base === this.#base) return;
    this.#base = base;
    const { origin } = this;
    if (origin !== null && origin !== new URL(this.#orchestrator).origin) void this.#try(origin);
  }

  /** Any answer shows that the address is right. */
  async #try(origin: string): Promise<void> {
    try {
      using late = answerTimeout(TIMEOUT_MS);
      const { signal } = late;
      await askOrchestrator(`${origin}/discovery`, { method: "GET", signal, tls: this.#tls });
    } catch (error) {
      log.warn("runner: the orchestrator's callback address does not answer", {
        orchestrator: this.#orchestrator,
        callbacks: redactUrl(origin),
        why: `${describeFailure(error)}; sessions will fail: its operator must set -liveRunnerAddr (go-livepeer) or runner_service_url (livepeer/node) to an address that this server reaches`,
      });
    }
  }
}
