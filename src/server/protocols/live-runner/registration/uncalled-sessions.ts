/**
 * Notices that sessions are reserved and never called: the orchestrator does not reach RUNNER_URL, or may not connect to it.
 * livepeer/node registers a runner at a private address, and then refuses to connect to it (live-runner.md 1).
 */
import { getLogger } from "../../../../log.ts";

const log = getLogger("registration");

const IN_A_ROW = 3;

export class UncalledSessions {
  readonly #orchestrator: string;
  #count = 0;
  #isReported = false;

  constructor(orchestrator: string) {
    this.#orchestrator = orchestrator;
  }

  /** A session that was reserved for some seconds ended without a call to `runnerUrl`. */
  add(runnerUrl: string): void {
    if (++this.#count < IN_A_ROW || this.#isReported) return;
    this.#isReported = true;
    const { hostname, host, port, protocol } = new URL(runnerUrl);
    const at = port === "" ? `${hostname}:${protocol === "https:" ? 443 : 80}` : host;
    log.warn("three sessions in a row were reserved and never called", {
      orchestrator: this.#orchestrator,
      why: `it probably cannot connect to ${at}: check that RUNNER_URL is reachable from there; if it is livepeer/node, its operator must add ${at} to runner_grants (and to session_proxy_grants for RUNNER_PROXY)`,
    });
  }

  /** A call arrived: it can connect. */
  reset(): void {
    this.#count = 0;
  }
}
