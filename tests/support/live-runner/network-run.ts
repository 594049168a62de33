/**
 * One long run of the real server as a live runner, with a BYOC stream beside. Its engine is killed, a client falls silent,
 * the orchestrator restarts, and an input pauses. The run is judged as its clients and orchestrators see it.
 */
import { existsSync, readFileSync } from "node:fs";
import { GatewayStandIn } from "../gateway.ts";
import type { InputLoop } from "../gateway-input.ts";
import { OrchestratorStreams } from "../gateway-orchestrator.ts";
import { enginePid } from "../live-stream.ts";
import { Orchestrator } from "../orchestrator.ts";
import { hostTrickle } from "../trickle-host.ts";
import { waitFor } from "../wait-for.ts";
import type { DialectName } from "./dialect.ts";
import { MediaClient } from "./media-client.ts";
import { type UsageRecord, type Verdict, verdict } from "./network-verdict.ts";
import { type RunnerNode, startRunnerNode } from "./runner-node.ts";

export interface NetworkRunPlan {
  readonly dialect: DialectName;
  readonly input: InputLoop;
  readonly lengthMs: number;
  /** Interval of heartbeats. */
  readonly beatMs: number;
  /** `idle_timeout_s` of the client that falls silent. */
  readonly silentTimeoutS: number;
  /** How long the orchestrator is down at its restart. */
  readonly downMs: number;
  readonly pauseMs: number;
  /** An empty file or a path where none exists: for the worker's usage records. */
  readonly usageLog: string;
  readonly onStep?: (step: string) => void;
}

/** The BYOC stream, the steady session and the silent one fill the worker. */
const PLACES = 3;
const CAPABILITY = "comfystream-video";
const IDENTITY = { model: "identity" }; // keeps the claps visible in the pictures
const FLAGS = { ingress: true, egress: true, data: true };
const WITH_CHANNELS = { ...IDENTITY, events: true, data: true };

export async function networkRun(plan: NetworkRunPlan): Promise<Verdict> {
  const { input, lengthMs } = plan;
  const begun = performance.now();
  const at = async (share: number, step: string): Promise<void> => {
    await Bun.sleep(Math.max(0, begun + share * lengthMs - performance.now())); // the plan's own time
    plan.onStep?.(`${seconds(performance.now() - begun)}: ${step}`);
  };
  await using byoc = await startByoc();
  await using node = await startRunnerNode({
    dialect: plan.dialect,
    intervalMs: plan.beatMs,
    others: [byoc.orchestrator.url],
    env: {
      MAX_STREAMS: String(PLACES),
      ALLOW_HOSTS: byoc.trickleHost,
      RUNNER_USAGE_LOG: plan.usageLog,
      RUNNER_END_GRACE: "1s",
    },
  });
  const { orchestrator, worker } = node;
  await waitFor("BYOC is registered", () => byoc.orchestrator.capabilities.has(CAPABILITY));
  await using gateway = await GatewayStandIn.start({
    streams: byoc.streams,
    id: "network-run",
    flags: FLAGS,
    params: IDENTITY,
    input,
  });
  await using steady = await MediaClient.start(await orchestrator.reserve(), input, WITH_CHANNELS);

  await waitFor("output of both", () => steady.output.frames > 0 && gateway.output.frames > 0);
  await at(0.15, "the engine is killed");
  process.kill(await enginePid(worker.url), "SIGKILL");
  await waitFor("output again", () => steady.output.joints > 0 && gateway.output.joints > 0);

  await at(0.3, "a second session starts");
  const silent = await MediaClient.start(await orchestrator.reserve(), input, {
    ...IDENTITY,
    idle_timeout_s: plan.silentTimeoutS,
  });
  await at(0.35, "its client falls silent");
  const overruns = [
    await overrunStatus(node),
    (await byoc.streams.start("one-too-many", FLAGS, { params: IDENTITY })).status,
  ];
  await silent.vanish();
  const silentAt = performance.now();
  const silentMs = plan.silentTimeoutS * 1000;
  await waitFor(
    "the silent session is released",
    () => orchestrator.session(silent.session.id) === undefined,
    silentMs + 10_000,
  );
  const releasedMs = performance.now() - silentAt - silentMs;
  const soldAgainMs = await sellAgain(node, input);

  await at(0.6, `the orchestrator restarts, and is down for ${seconds(plan.downMs)}`);
  await orchestrator.stop();
  await Bun.sleep(plan.downMs); // the fault itself
  await orchestrator.restart();
  const restartedAt = performance.now();
  await orchestrator.usable();
  const registeredMs = performance.now() - restartedAt;
  await steady.outputEnded;
  await using second = await MediaClient.start(await orchestrator.reserve(), input, WITH_CHANNELS);

  await at(0.75, `the input pauses for ${seconds(plan.pauseMs)}`);
  second.pauseInput();
  await Bun.sleep(plan.pauseMs); // the fault itself
  second.resumeInput();

  await at(1, "the end");
  const stats = await gateway.stop();
  const endedMs = await second.finish();
  const stopped = await second.session.stop();
  await waitFor("no session is left", () => orchestrator.runner.sessions.size === 0);
  const beats = orchestrator.calls.of("heartbeat");
  const leftAt = performance.now();
  worker.kill("SIGTERM");
  await waitFor("the worker unregisters", () => orchestrator.registry.runners.size === 0, 20_000);
  const leftMs = performance.now() - leftAt;
  await worker.exited;

  return verdict({
    gateway,
    sessions: { steady, silent, second },
    byocStopMs: stats.tookMs,
    overruns,
    releasedMs,
    soldAgainMs,
    registeredMs,
    resumedMs: (second.firstOutputAt ?? Number.NaN) - restartedAt,
    endedMs,
    stopStatus: stopped,
    leftMs,
    beats: beats.map((beat) => beat.at),
    longestBeatMs: orchestrator.dialect.ttlMs + plan.downMs,
    usage: usageRecords(plan.usageLog),
  });
}

/** An orchestrator and channels for the BYOC stream: another one than the live runner's. */
async function startByoc() {
  const orchestrator = await Orchestrator.start({ secret: "stand-in-secret" });
  const trickle = hostTrickle({ autoCreate: false });
  const trickleUrl = trickle.url("").replace(/\/$/, "");
  return {
    orchestrator,
    trickleHost: `127.0.0.1:${trickle.port}`,
    streams: new OrchestratorStreams({ orchestrator, capability: CAPABILITY, trickleUrl }),
    async [Symbol.asyncDispose]() {
      await orchestrator[Symbol.asyncDispose]();
      await trickle[Symbol.asyncDispose]();
    },
  };
}

/** How a session beyond all places is refused: by the orchestrator, or by the worker if the last heartbeat is older. */
async function overrunStatus({ orchestrator }: RunnerNode): Promise<number> {
  const session = await orchestrator.reserve().catch(() => null);
  if (session === null) return orchestrator.dialect.fullStatus;
  const { status } = await session.post("/stream", IDENTITY);
  await session.stop();
  return status;
}

/** Milliseconds until another client has the place and gets output. It leaves as clients should. */
async function sellAgain({ orchestrator }: RunnerNode, input: InputLoop): Promise<number> {
  const begun = performance.now();
  const sold = async () => orchestrator.reserve().catch(() => null);
  let session = await sold();
  await waitFor("the place is sold again", async () => {
    session ??= await sold();
    return session !== null;
  });
  if (session === null) throw new Error("waitFor has seen a session");
  await using buyer = await MediaClient.start(session, input, IDENTITY);
  await waitFor("the buyer gets output", () => buyer.firstOutputAt !== null);
  const took = performance.now() - begun;
  await buyer.finish();
  await buyer.session.stop();
  return took;
}

/** The worker's usage records so far. */
const usageRecords = (path: string): UsageRecord[] =>
  existsSync(path)
    ? readFileSync(path, "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line))
    : [];

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;
