/** Starts what a soak runs on: a worker that is BYOC worker and live runner, its orchestrators, and four streams. */
import { faultyTrickle } from "../faults/peer/faulty-trickle.ts";
import { Worker } from "../faults/rig/worker.ts";
import { synthetic } from "../support/clip-synthetic.ts";
import { OrchestratorStreams } from "../support/gateway-orchestrator.ts";
import { APP } from "../support/live-runner/runner-node.ts";
import { StandInOrchestrator } from "../support/live-runner/stand-in.ts";
import { CAPABILITY } from "../support/network-node.ts";
import { Orchestrator } from "../support/orchestrator.ts";
import { hostTrickle } from "../support/trickle-host.ts";
import { waitFor } from "../support/wait-for.ts";
import type { LogWatch } from "./log-watch.ts";
import { startByoc } from "./streams/byoc.ts";
import { startRunner } from "./streams/runner.ts";
import { startSeed } from "./streams/seed.ts";
import { SIZE, type SoakStream } from "./streams/soak-stream.ts";

const SECRET = "soak-orchestrator-secret";
const TOKEN = "soak-capability-token";
const FPS = 25;
const CLIP_SECONDS = 8;

export interface Stage extends AsyncDisposable {
  readonly worker: Worker;
  /** Starts all streams; resolves when each gives frames. The caller disposes them. */
  startStreams(): Promise<readonly SoakStream[]>;
}

export async function setStage(log: LogWatch): Promise<Stage> {
  await using started = new AsyncDisposableStack();
  const byocOrchestrator = started.use(await Orchestrator.start({ secret: SECRET }));
  const dialect = "livepeer-node";
  const runnerOrchestrator = started.use(
    await StandInOrchestrator.start({ dialect, secret: SECRET }),
  );
  const channels = started.use(hostTrickle({ autoCreate: false }));
  const pathTo = async (url: string) =>
    started.use(await faultyTrickle({ target: new URL(url).origin }));
  const paths = {
    byoc: await pathTo(channels.url("")),
    runner: await pathTo(runnerOrchestrator.url),
  };
  const worker = started.use(
    await Worker.start({
      env: {
        ORCH_URL: [runnerOrchestrator.url, byocOrchestrator.url].join(","),
        ORCH_SECRET: SECRET,
        CAPABILITY_TOKEN: TOKEN,
        RUNNER_APP: APP,
        MAX_STREAMS: "4",
        ALLOW_HOSTS: "127.0.0.1",
      },
      onLine: (line) => log.take(line),
      onText: (line) => log.takeText(line),
    }),
  );
  const own = { first: await pathTo(worker.url), second: await pathTo(worker.url) };
  for (const [name, secret] of [
    ["ORCH_SECRET", SECRET],
    ["CAPABILITY_TOKEN", TOKEN],
  ] as const)
    log.keepSecret(name, secret);
  await waitFor("BYOC is registered", () => byocOrchestrator.capabilities.has(CAPABILITY));
  await runnerOrchestrator.usable();
  const streams = new OrchestratorStreams({
    orchestrator: byocOrchestrator,
    capability: CAPABILITY,
    trickleUrl: channels.url("").replace(/\/$/, ""),
    urlForWorker: (url, role) => {
      const side = role === "input" || role === "output" ? role : "side";
      return paths.byoc[side].through(url);
    },
  });
  const clip = { parts: [{ ...SIZE, frames: CLIP_SECONDS * FPS }], fps: FPS, gop: FPS };
  const media = await synthetic({ ...clip, start: 90_000, audio: { codec: "aac" } });
  const streamIds = async (): Promise<string[]> =>
    (await worker.api.streams()).map(({ manifest_id }) => manifest_id);
  const owned = started.move();
  return {
    worker,
    async startStreams() {
      const channel = (name: string) => worker.channel(name);
      const seeds = { worker, channel };
      const orchestrator = runnerOrchestrator;
      const all = [
        await startByoc({ streams, trickle: paths.byoc, media }),
        await startRunner({ orchestrator, trickle: paths.runner, media, streamIds }),
        await startSeed({ ...seeds, trickle: own.first, media }),
        await startSeed({ ...seeds, trickle: own.second }),
      ];
      for (const { name, id, watch } of all) {
        log.keepSecret(`the id of ${name}`, id);
        await waitFor(`frames of ${name}`, () => watch.frames > 0, 20_000);
      }
      return all;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
