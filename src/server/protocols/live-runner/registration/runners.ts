/** All runners of this server: one an orchestrator, one a batch capability and orchestrator, and the static one. */
import { randomBytes } from "node:crypto";
import type { Config } from "../../../../config.ts";
import { getLogger } from "../../../../log.ts";
import type { Capacity } from "../../../capacity.ts";
import { orchestratorTls } from "../orchestrator-http.ts";
import type { RunnerRegistration, RunnerSessions, SessionOwner } from "../runner-sessions.ts";
import { BatchCalls } from "./batch-calls.ts";
import { DynamicRegistration, type RunnerState } from "./dynamic-registration.ts";
import type { RunnerGpu } from "./heartbeat.ts";
import type { BeatTiming } from "./keep-beating.ts";
import {
  batchApp,
  batchCapabilities,
  batchMetadata,
  type RunnerFacts,
  runnerBaseUrl,
  runnerUrlDoubts,
} from "./offer.ts";
import { RunnerClient } from "./runner-client.ts";
import { StaticRunner } from "./static-runner.ts";

const log = getLogger("registration");

const LEAVE_MS = 2000;
const KEY_BYTES = 16;

/** How a call names the registration that it belongs to, beside the key. */
export interface CallOrigin {
  /** `Livepeer-Runner-Route`: the runner's id or label; null without the header. */
  readonly route: string | null;
  /** Origin of `Livepeer-Session-Control`; null without one. */
  readonly control: string | null;
}

export interface RunnersOptions<S extends RunnerSessions> {
  readonly config: Config;
  readonly version: string;
  /** Makes the table of a registration's sessions. */
  readonly sessions: (owner: SessionOwner) => S;
  /** Of the devices that work. */
  readonly capacity: Pick<Capacity, "total" | "used">;
  /** The GPU of the first device; must not wait. */
  readonly gpu: () => RunnerGpu | null;
  /** RUNNER_METADATA, or what there is to say of this server now. */
  readonly metadata: () => string;
  /** Whether ALLOW_HOSTS names this origin. */
  readonly allows: (origin: string) => boolean;
  readonly timing?: BeatTiming;
}

interface BatchRunner {
  readonly capability: string;
  readonly registration: DynamicRegistration<BatchCalls>;
}

export class Runners<S extends RunnerSessions> {
  readonly #options: RunnersOptions<S>;
  readonly #dynamic: readonly DynamicRegistration<S>[];
  readonly #batch: readonly BatchRunner[];
  readonly #static: StaticRunner<S> | null;

  /** Registers nothing yet. Throws ConfigError for a name in RUNNER_BATCH that is not served. */
  constructor(options: RunnersOptions<S>) {
    this.#options = options;
    const { config, sessions, metadata, capacity, allows } = options;
    const { orchUrl = [], orchSecret, runnerKey, runnerApp = "", runnerCapacity } = config;
    const capabilities = batchCapabilities(config);
    const registering = orchSecret === undefined ? [] : orchUrl;
    this.#dynamic = registering.map((url) =>
      this.#register(url, { app: runnerApp, mode: "persistent", metadata, sessions }),
    );
    this.#batch = registering.flatMap((url) =>
      capabilities.map(({ name, description }) => ({
        capability: name,
        registration: this.#register(url, {
          app: batchApp(runnerApp, name),
          mode: "single-shot",
          metadata: () => batchMetadata(description),
          sessions: () => new BatchCalls({ capacity, most: runnerCapacity ?? capacity.total }),
        }),
      })),
    );
    this.#static =
      runnerKey === undefined
        ? null
        : new StaticRunner({ key: runnerKey, orchestrators: orchUrl, allows, sessions });
  }

  /** Begins to register; `ownUrl` is used where no setting names this server's URL. */
  start(ownUrl: string): void {
    const { config } = this.#options;
    for (const why of runnerUrlDoubts(config)) log.warn("RUNNER_URL is doubtful", { why });
    const base = runnerBaseUrl(config, ownUrl);
    const urlOf = (key: string) => `${base}/runner/${key}`;
    for (const one of this.#dynamic) one.start(urlOf(one.key));
    for (const { capability, registration } of this.#batch)
      registration.start(`${urlOf(registration.key)}/c/${capability}`);
    if (this.#static !== null && this.#dynamic.length === 0)
      log.info("runner is static: nothing is registered", { app: config.runnerApp, url: base });
  }

  /** The registration that a call with this key belongs to; null for a wrong key. */
  byKey(key: string, call: CallOrigin): RunnerRegistration<S> | null {
    const all = this.#dynamic.filter((one) => one.key === key);
    const byRoute = all.find((one) => call.route !== null && one.isRoute(call.route));
    // With RUNNER_KEY all share it: a route that no orchestrator has given is an operator's label.
    if (this.#static?.key === key) return byRoute ?? this.#static;
    return byRoute ?? all[0] ?? null;
  }

  /** The single-shot runner that a call with this key belongs to; null for a wrong key or another capability. */
  batchByKey(
    key: string,
    capability: string,
    call: CallOrigin,
  ): RunnerRegistration<BatchCalls> | null {
    const all = this.#batch.flatMap((one) =>
      one.capability === capability && one.registration.key === key ? one.registration : [],
    );
    const byRoute = all.find((one) => call.route !== null && one.isRoute(call.route));
    const byOrigin = all.find((one) => call.control !== null && one.isControlOrigin(call.control));
    return byRoute ?? byOrigin ?? all[0] ?? null;
  }

  /** Every registration, for metrics. */
  get states(): readonly RunnerState[] {
    return this.#registered.map(({ state }) => state);
  }

  /** Every table of sessions, that of the static runner included. */
  get tables(): readonly S[] {
    const all = this.#static === null ? this.#dynamic : [...this.#dynamic, this.#static];
    return all.map(({ sessions }) => sessions);
  }

  /**
   * Takes no new session. Sessions may go on for `graceMs`; then they are ended. `drained` settles when all are released,
   * `left` when each runner has left its orchestrator, which it does as soon as it has no session. Neither rejects.
   */
  close(graceMs: number): { readonly drained: Promise<void>; readonly left: Promise<void> } {
    const runners = this.#registered.map((one) => ({ one, drained: one.drain(graceMs) }));
    const drained = [this.#static?.sessions.drain(graceMs), ...runners.map((each) => each.drained)];
    const left = runners.map(async (each) => {
      await each.drained;
      await each.one.leave(AbortSignal.timeout(LEAVE_MS));
    });
    return {
      drained: Promise.all(drained).then(() => {}),
      left: Promise.all(left).then(() => {}),
    };
  }

  get #registered(): readonly DynamicRegistration<S | BatchCalls>[] {
    return [...this.#dynamic, ...this.#batch.map(({ registration }) => registration)];
  }

  #register<T extends RunnerSessions>(
    url: string,
    kind: Pick<RunnerFacts, "app" | "mode"> & {
      readonly metadata: () => string;
      readonly sessions: (owner: SessionOwner) => T;
    },
  ): DynamicRegistration<T> {
    const { config, version, gpu, allows, timing } = this.#options;
    const { app, mode, metadata, sessions } = kind;
    const tls = orchestratorTls(config);
    return new DynamicRegistration({
      client: new RunnerClient({ url, tls, secret: config.orchSecret ?? "" }),
      tls,
      key: config.runnerKey ?? randomBytes(KEY_BYTES).toString("base64url"),
      idPrefix: config.runnerId,
      facts: {
        app,
        mode,
        label: config.runnerLabel,
        version,
        proxy: config.runnerProxy,
        price: config.runnerPrice,
        priceUnit: config.runnerPriceUnit,
      },
      present: () => ({ gpu: gpu(), metadata: metadata() }),
      allows,
      sessions,
      offLevel: config.orchMode === "runner" ? "error" : "warning",
      ...(timing === undefined ? {} : { timing }),
    });
  }
}
