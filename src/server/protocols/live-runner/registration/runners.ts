/** All runners of this server: one an orchestrator, one a batch capability and orchestrator, and the static one. */

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { answerTimeout } from "../../../../answer-timeout.ts";
import type { Config } from "../../../../config.ts";
import { getLogger } from "../../../../log.ts";
import type { Capacity } from "../../../capacity.ts";
import { orchestratorTls } from "../../orchestrator-http.ts";
import type { RunnerRegistration, RunnerSessions, SessionOwner } from "../runner-sessions.ts";
import { BatchCalls } from "./batch-calls.ts";
import { DynamicRegistration, type RunnerState } from "./dynamic-registration.ts";
import type { RunnerGpu } from "./heartbeat.ts";
import type { BeatTiming } from "./heartbeats.ts";
import {
  batchApp,
  batchCapabilities,
  batchMetadata,
  type RunnerFacts,
  runnerBaseUrl,
  runnerUrlDoubts,
  shownBaseUrl,
} from "./offer.ts";
import { RunnerClient } from "./runner-client.ts";
import { StaticRunner } from "./static-runner.ts";

const log = getLogger("registration");

const LEAVE_MS = 2000;
const KEY_BYTES = 16;

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

/** A runner of one batch capability. */
interface BatchRunner<R> {
  readonly capability: string;
  readonly runner: R;
}

export class Runners<S extends RunnerSessions> {
  readonly #options: RunnersOptions<S>;
  readonly #dynamic: readonly DynamicRegistration<S>[];
  readonly #batch: readonly BatchRunner<DynamicRegistration<BatchCalls>>[];
  readonly #static: StaticRunner<S> | null;
  readonly #staticBatch: readonly BatchRunner<StaticRunner<BatchCalls>>[];

  /** Registers nothing yet. Throws ConfigError for a name in RUNNER_BATCH that is not served. */
  constructor(options: RunnersOptions<S>) {
    this.#options = options;
    const { config, sessions, metadata, capacity, allows } = options;
    const { orchUrl = [], orchSecret, runnerKey, runnerApp = "", runnerCapacity } = config;
    const capabilities = batchCapabilities(config);
    const calls = () =>
      new BatchCalls({ capacity, most: runnerCapacity ?? Number.POSITIVE_INFINITY });
    const registering = orchSecret === undefined ? [] : [...new Set(orchUrl)];
    this.#dynamic = registering.map((url) =>
      this.#register(url, { app: runnerApp, mode: "persistent", metadata, sessions }),
    );
    this.#batch = registering.flatMap((url) =>
      capabilities.map(({ name, description }) => ({
        capability: name,
        runner: this.#register(url, {
          app: batchApp(runnerApp, name),
          mode: "single-shot",
          metadata: () => batchMetadata(description),
          sessions: calls,
        }),
      })),
    );
    const listed =
      runnerKey === undefined ? null : { key: runnerKey, orchestrators: orchUrl, allows };
    this.#static = listed && new StaticRunner({ ...listed, sessions });
    this.#staticBatch =
      listed === null
        ? []
        : capabilities.map(({ name }) => ({
            capability: name,
            runner: new StaticRunner({ ...listed, sessions: calls }),
          }));
  }

  /** Begins to register; `ownUrl` is used where no setting names this server's URL. */
  start(ownUrl: string): void {
    const { config } = this.#options;
    for (const why of runnerUrlDoubts(config))
      log.warn("RUNNER_URL probably does not work", { why });
    const base = runnerBaseUrl(config, ownUrl);
    for (const one of this.#dynamic) one.start(base);
    for (const { capability, runner } of this.#batch) runner.start(base, `/c/${capability}`);
    if (this.#static !== null && this.#dynamic.length === 0)
      log.info("runner is static: nothing is registered", {
        app: config.runnerApp,
        url: shownBaseUrl(base),
      });
  }

  /**
   * The registration that a call with this key belongs to; null for a wrong key.
   *
   * @param route the call's `Livepeer-Runner-Route`: a runner's id or label; null without the header
   */
  byKey(key: string, route: string | null): RunnerRegistration<S> | null {
    return called(this.#dynamic, this.#static, key, route);
  }

  /** As `byKey`, for the runner of a batch capability; null for a capability that is not registered, too. */
  batchByKey(
    key: string,
    capability: string,
    route: string | null,
  ): RunnerRegistration<BatchCalls> | null {
    const serves = (one: BatchRunner<unknown>) => one.capability === capability;
    const dynamic = this.#batch.filter(serves).map(({ runner }) => runner);
    const listed = this.#staticBatch.find(serves)?.runner ?? null;
    return called(dynamic, listed, key, route);
  }

  /** Every registration, for metrics. */
  get states(): readonly RunnerState[] {
    return this.#registered.map(({ state }) => state);
  }

  /** The app ids of the static runners, which orchestrators are told of by their operators. */
  get listed(): readonly string[] {
    if (this.#static === null) return [];
    const { runnerApp = "" } = this.#options.config;
    return [
      runnerApp,
      ...this.#staticBatch.map(({ capability }) => batchApp(runnerApp, capability)),
    ];
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
    const listed = [this.#static, ...this.#staticBatch.map(({ runner }) => runner)];
    const drained = [
      ...listed.map((one) => one?.sessions.drain(graceMs)),
      ...runners.map((each) => each.drained),
    ];
    const left = runners.map(async (each) => {
      await each.drained;
      using late = answerTimeout(LEAVE_MS);
      await each.one.leave(late.signal);
    });
    return {
      drained: Promise.all(drained).then(() => {}),
      left: Promise.all(left).then(() => {}),
    };
  }

  get #registered(): readonly DynamicRegistration<S | BatchCalls>[] {
    return [...this.#dynamic, ...this.#batch.map(({ runner }) => runner)];
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

/**
 * Finds the runner of a call: the one whose id the call's route names. With RUNNER_KEY all runners share one key, and a
 * route that is no runner's id belongs to the static runner. Null for a wrong key.
 */
function called<
  D extends DynamicRegistration<RunnerSessions>,
  L extends StaticRunner<RunnerSessions>,
>(dynamic: readonly D[], listed: L | null, key: string, route: string | null): D | L | null {
  const all = dynamic.filter((one) => isSame(one.key, key));
  const byRoute = all.find((one) => route !== null && one.isRoute(route));
  if (listed !== null && isSame(listed.key, key)) return byRoute ?? listed;
  return byRoute ?? all[0] ?? null;
}

/** Digests are of one length, so comparing them reveals nothing about a key. */
const isSame = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other));

const digest = (key: string): Buffer => createHash("sha256").update(key).digest();
