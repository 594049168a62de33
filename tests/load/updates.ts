/** Sends a stream far more updates, or far larger ones, than it needs. */
import { quantile } from "../../scripts/bench/report.ts";
import { control, makeChannels } from "../support/orchestrator-channels.ts";
import { waitFor } from "../support/wait-for.ts";
import { backToBefore, type Load, ms } from "./load.ts";

const SECONDS = 10;
const SMALL = { model: "test-card", width: 64, height: 64 };
/** Of the updates, alternately. */
const RATES = [5, 10];

/** Requests that are open at a time. */
const LANES = 64;

/** The lanes' connections stay open for a while. */
const RETURN = { withinMs: 30_000, sockets: 2 * LANES };

/** Calls `send` with 0, 1, 2 … at a rate, or as fast as the answers allow; returns what they returned. */
async function atRate<T>(
  perSecond: number,
  seconds: number,
  send: (n: number) => Promise<T>,
): Promise<T[]> {
  const begun = performance.now();
  const results: T[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (;;) {
      const n = next++;
      if (n >= perSecond * seconds || performance.now() - begun > seconds * 1000) return;
      const wait = begun + (n * 1000) / perSecond - performance.now();
      if (wait > 0) await Bun.sleep(wait);
      results.push(await send(n));
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return results;
}

export const paramsFlood: Load = {
  name: "1,000 updates a second",
  description: `one stream's parameters are updated 1,000 times a second for ${SECONDS} s`,
  async run(scene) {
    const { api, server } = scene;
    const id = await api.start({ stream_url: `${server.url}/trickle/updated`, ...SMALL, fps: 5 });
    const answers = await atRate(1000, SECONDS, (n) =>
      scene.ask("POST", `/stream/${id}/params`, JSON.stringify({ fps: RATES[n % 2] })),
    );
    await api.params(id, { fps: 20 });
    const applied = async () => (await api.stream(id)).params.fps === 20;
    await waitFor("the last update", applied);
    const before = (await api.stream(id)).stats.frames_out;
    await waitFor("its pictures", async () => (await api.stream(id)).stats.frames_out > before);
    await api.stop(id);
    const others = answers.filter(({ status }) => status !== 200);
    return [
      {
        what: "every update is answered, the last one counts, and the stream goes on",
        measured: `${answers.length} updates, ${others.length} with another status than 200, p99 ${ms(
          quantile(
            answers.map((answer) => answer.ms),
            0.99,
          ),
        )}`,
        holds: others.length === 0,
      },
    ];
  },
  after: (scene, before) => backToBefore(scene, before, RETURN),
};

export const controlFlood: Load = {
  name: "a control channel that floods",
  description: `500 messages a second come on an orchestrator's control channel for ${SECONDS} s, every tenth of them not valid`,
  async run({ api, server, elsewhere }) {
    const id = "flooded";
    const urls = await makeChannels(elsewhere, id, ["publish", "control", "events"]);
    const answer = await fetch(`${server.url}/stream/start`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ gateway_request_id: id, params: { ...SMALL, fps: 5 }, ...urls }),
    });
    if (answer.status !== 200) throw new Error(`the start was answered ${answer.status}`);
    const sent = await atRate(500, SECONDS, async (n) => {
      const text = n % 10 === 9 ? "not JSON" : JSON.stringify({ fps: RATES[n % 2] });
      return (await control(elsewhere, id, text)).status;
    });
    await control(elsewhere, id, '{"fps": 20}');
    const begun = performance.now();
    const applied = async () => (await api.stream(id)).params.fps === 20;
    await waitFor("the last update", applied, 20_000);
    const took = performance.now() - begun;
    const { status } = await api.stream(id);
    await api.stop(id);
    return [
      {
        what: "the stream goes on, and the newest update is applied",
        measured: `${sent.length} messages; the stream is ${status}, the last one was applied after ${ms(took)}`,
        holds: status === "active" && took < 5000,
      },
    ];
  },
  after: (scene, before) => backToBefore(scene, before, RETURN),
};

/** As long as prompts may be: 256 KiB in all, 10,000 characters each. */
const longPrompts = (turn: number) =>
  Array.from({ length: 26 }, (_, n) => ({
    prompt: `${turn} ${n} red `.repeat(2000).slice(0, 10_000),
  }));

export const longestPrompts: Load = {
  name: "the longest prompts",
  description: `a stream's prompts, 26 of 10,000 characters, are replaced one time after the other for ${SECONDS} s`,
  async run(scene) {
    const { api, server } = scene;
    const stream_url = `${server.url}/trickle/long`;
    const id = await api.start({ stream_url, model: "dreamscape", width: 64, height: 64, fps: 5 });
    const end = performance.now() + SECONDS * 1000;
    const answers: { status: number; ms: number }[] = [];
    while (performance.now() < end) {
      const body = JSON.stringify({ prompts: longPrompts(answers.length) });
      answers.push(await scene.ask("POST", `/stream/${id}/params`, body));
    }
    const { status } = await api.stream(id);
    await api.stop(id);
    const others = answers.filter((answer) => answer.status !== 200);
    return [
      {
        what: "every update is answered, and the stream goes on",
        measured: `${answers.length} updates, ${others.length} with another status than 200; the stream is ${status}`,
        holds: others.length === 0 && answers.length > 0 && status === "active",
      },
    ];
  },
  after: (scene, before) => backToBefore(scene, before, RETURN),
};
