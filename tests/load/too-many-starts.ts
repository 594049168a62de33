/** Starts more streams than fit, through all three protocols at once. */
import type { StandInOrchestrator } from "../support/live-runner/stand-in.ts";
import { makeChannels } from "../support/orchestrator-channels.ts";
import { waitFor } from "../support/wait-for.ts";
import { type Load, ms, type Promised } from "./load.ts";
import type { Scene } from "./scene.ts";

const PLACES = 8;
const STARTS = 50;
const APP = "live-video-to-video/comfystream";
const TOKEN = "load-capability-token";
/** A refusal takes no longer, with fifty at once on two cores. */
const AT_ONCE_MS = 2000;
/** How long the admitted streams run before they are stopped. */
const RUNNING_MS = 5000;

interface Outcome {
  readonly kind: "seed" | "byoc" | "runner";
  readonly status: number;
  readonly code: string;
  readonly ms: number;
}

/** What ends the streams that were started. */
type Ends = (() => Promise<unknown>)[];

export function tooManyStarts(orchestrator: StandInOrchestrator): Load {
  const start = { seed: startSeed, byoc: startByoc, runner: reserveRunner };
  const kinds = ["seed", "byoc", "runner"] as const;
  const wave = async (scene: Scene, wave: string, ends: Ends): Promise<Outcome[]> => {
    const channels = Array.from({ length: STARTS }, (_, n) =>
      makeChannels(scene.elsewhere, `${wave}-${n}`, ["publish", "control", "events"]),
    );
    await Promise.all(channels);
    return await Promise.all(
      Array.from({ length: STARTS }, async (_, n): Promise<Outcome> => {
        const kind = kinds[n % kinds.length] ?? "seed";
        const begun = performance.now();
        const { status, code } = await start[kind](scene, `${wave}-${n}`, { orchestrator, ends });
        return { kind, status, code, ms: performance.now() - begun };
      }),
    );
  };
  return {
    name: "more streams than fit",
    description: `a server with ${PLACES} places runs two streams. ${STARTS} starts arrive at once: seed, BYOC, live-runner reservations; then one that is too large; all are stopped, and ${STARTS} more arrive`,
    scene: {
      flags: ["--max-streams", String(PLACES), "--runner-end-grace", "1s"],
      env: {
        ORCH_URL: orchestrator.url,
        ORCH_SECRET: orchestrator.secret,
        ORCH_MODE: "runner",
        RUNNER_APP: APP,
        CAPABILITY_TOKEN: TOKEN,
      },
    },
    async run(scene) {
      await orchestrator.usable();
      const ends: Ends = [];
      const first = await wave(scene, "first", ends);
      const full = await scene.api.health();
      await Bun.sleep(RUNNING_MS);
      const large = await startSeed(scene, "large", { orchestrator, ends, side: 4096 });
      await Promise.all(ends.splice(0).map((end) => end()));
      await waitFor("the places to be free", async () => (await used(scene)) === 2, 20_000);
      const left = await leftBehind(scene);
      const freedAt = performance.now();
      const second = await wave(scene, "second", ends);
      const soldAgain = performance.now() - freedAt;
      await Bun.sleep(RUNNING_MS);
      await Promise.all(ends.splice(0).map((end) => end()));
      return [
        ...refusals(first),
        {
          what: "no more are admitted than there are places",
          measured: `${full.active_streams} streams live, ${full.used} of ${PLACES} places used`,
          holds: full.used <= PLACES && full.used > 2,
        },
        {
          what: "a stream whose megapixels a second do not fit is refused",
          measured: `4096 × 4096: ${large.status} ${large.code}`,
          holds: large.status === 503 && large.code === "at_capacity",
        },
        {
          what: "nothing is left behind",
          measured: `${left.streams} streams live, ${left.channels} channels of refused starts`,
          holds: left.streams === 2 && left.channels === 0,
        },
        {
          what: `places that were freed are sold again within ${(3 * AT_ONCE_MS) / 1000} s`,
          measured: `${admitted(second).length} starts admitted in ${ms(soldAgain)}`,
          holds: admitted(second).length >= 1 && soldAgain < 3 * AT_ONCE_MS,
        },
        ...refusals(second),
      ];
    },
  };
}

const admitted = (outcomes: readonly Outcome[]) => outcomes.filter(({ status }) => status === 200);

function refusals(outcomes: readonly Outcome[]): Promised[] {
  return (["seed", "byoc", "runner"] as const).map((kind) => {
    const of = outcomes.filter((outcome) => outcome.kind === kind);
    const refused = of.filter(({ status }) => status !== 200);
    const codes = [...new Set(refused.map(({ status, code }) => `${status} ${code}`.trim()))];
    const longest = Math.max(0, ...refused.map(({ ms }) => ms));
    // 409: a reservation beyond the capacity that is offered; 404: the runner has said that it is busy.
    const documented = kind === "runner" ? [503, 409, 404] : [503];
    return {
      what: `${kind}: refused within ${AT_ONCE_MS / 1000} s with the documented status`,
      measured: `${of.length - refused.length} of ${of.length} admitted, ${refused.length} refused (${codes.join(", ")}), the slowest in ${ms(longest)}`,
      holds: longest < AT_ONCE_MS && refused.every(({ status }) => documented.includes(status)),
    };
  });
}

interface StartContext {
  readonly orchestrator: StandInOrchestrator;
  readonly ends: Ends;
  readonly side?: number;
}

interface Answer {
  readonly status: number;
  readonly code: string;
}

async function post(scene: Scene, body: object, headers: Record<string, string> = {}) {
  const answer = await fetch(`${scene.server.url}/stream/start`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const { manifest_id: id, code = "" } = (await answer.json()) as Record<string, string>;
  return { status: answer.status, code, id: id ?? "" };
}

async function startSeed(scene: Scene, name: string, context: StartContext): Promise<Answer> {
  const side = context.side ?? 64;
  const params = { model: "test-card", fps: side > 64 ? 30 : 2, width: side, height: side };
  const authorization = `Bearer ${TOKEN}`;
  const body = { stream_url: scene.channel(name), ...params };
  const answer = await post(scene, body, { authorization });
  if (answer.status === 200) context.ends.push(() => scene.api.stop(answer.id));
  return answer;
}

async function startByoc(scene: Scene, name: string, { ends }: StartContext): Promise<Answer> {
  const channel = (suffix: string) => scene.elsewhere.url(`${name}-${suffix}`);
  const urls = {
    publish_url: channel("out"),
    control_url: channel("control"),
    events_url: channel("events"),
  };
  const params = { model: "test-card", fps: 2, width: 64, height: 64 };
  const headers = { "x-stream-id": name, authorization: `Bearer ${TOKEN}` };
  const answer = await post(scene, { gateway_request_id: name, params, ...urls }, headers);
  if (answer.status === 200) ends.push(() => scene.api.stop(name));
  return answer;
}

/** Refused by the orchestrator where no place is offered, and by the worker where the offer was too old. */
async function reserveRunner(
  _scene: Scene,
  _name: string,
  { orchestrator, ends }: StartContext,
): Promise<Answer> {
  try {
    const session = await orchestrator.reserve();
    const { status, body } = await session.post("/stream", { model: "test-card", fps: 2 });
    if (status === 200) ends.push(() => session.post("/stop"));
    else await session.stop();
    return { status, code: String(body?.code ?? body?.error?.code ?? "") };
  } catch (error) {
    const status = /^reserve: (\d+)/.exec(error instanceof Error ? error.message : "")?.[1];
    if (status === undefined) throw error;
    return { status: Number(status), code: "by the orchestrator" };
  }
}

const used = async (scene: Scene): Promise<number> => (await scene.api.health()).used;

async function leftBehind(scene: Scene) {
  const { active_streams: streams } = await scene.api.health();
  const names = Array.from({ length: STARTS }, (_, n) => `first-${n}`);
  const answers = await Promise.all(
    names.map((name) => fetch(`${scene.channel(name)}/next`).then(({ status }) => status)),
  );
  return { streams, channels: answers.filter((status) => status === 200).length };
}
