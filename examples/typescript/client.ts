/**
 * A stream and a job with Eden, a client that is typed from the server's own routes.
 *
 *     bun examples/typescript/client.ts [http://localhost:5000]
 *
 * API_TOKEN is sent where it is set; MODEL chooses another model than the default. Writes segment.mp4 and picture.png.
 */
import { treaty } from "@elysiajs/eden";
import type { Api } from "../../src/server/http/app.ts";

const server = (process.argv[2] ?? "http://localhost:5000").replace(/\/+$/, "");
const { API_TOKEN, MODEL } = process.env;
const headers = API_TOKEN ? { authorization: `Bearer ${API_TOKEN}` } : {};
const api = treaty<Api>(server, { headers });

/** The answer's data. Every failure has the same body, so its sentence is all there is to show. */
function expectOk<T>({ data, error }: { data: T | null; error: unknown }): T {
  if (data !== null) return data;
  const { value } = error as { value: { error: string } };
  throw new Error(value.error);
}

/** The data of a stream's server-sent events, for so many milliseconds. */
async function* events(id: string, ms: number): AsyncGenerator<string> {
  const signal = AbortSignal.timeout(ms);
  const { body } = await fetch(`${server}/stream/${id}/data`, { headers, signal });
  let rest = "";
  try {
    for await (const text of body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line.startsWith("data: ")) yield line.slice(6);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

// 1. Start: the stream draws the prompt and publishes to a channel of the server's own trickle server.
const channel = `${server}/trickle/${crypto.randomUUID()}`;
const started = expectOk(
  await api.stream.start.post({
    prompts: [{ prompt: "northern lights over a frozen lake" }],
    stream_url: channel,
    width: 256,
    height: 256,
    ...(MODEL ? { model: MODEL } : {}),
  }),
);
const stream = api.stream({ id: started.manifest_id });
console.log(`started ${started.manifest_id}: ${started.stream.status}`);

try {
  // 2. Read the video: -2 is the current segment, and then one number after the other. Each plays by itself.
  let wanted = -2;
  for (let n = 0; n < 2; n++) {
    const segment = await fetch(`${channel}/${wanted}`);
    if (!segment.ok) throw new Error(`segment ${wanted}: ${segment.status}`);
    const seq = Number(segment.headers.get("Lp-Trickle-Seq"));
    const bytes = await segment.bytes();
    await Bun.write("segment.mp4", bytes);
    console.log(`segment ${seq}: ${bytes.length} bytes`);
    wanted = seq + 1;
  }

  // 3. Change it, from the next frame on.
  const changed = expectOk(
    await stream.params.post({ prompts: [{ prompt: "a desert at sunset" }] }),
  );
  console.log(`changed: ${JSON.stringify(changed.stream.metadata.prompts)}`);

  // 4. What the model says of its frames; only models with data outputs say anything.
  let count = 0;
  for await (const event of events(started.manifest_id, 2000)) {
    console.log(`data: ${event}`);
    if (++count === 3) break;
  }
  console.log(`events: ${count}`);

  const { stats, status } = expectOk(await stream.status.get()).stream;
  console.log(`${status}: ${stats.frames_out} frames, ${stats.fps_out} a second`);
} finally {
  // 5. Stop it; its channel goes with it.
  console.log(expectOk(await stream.delete()).message);
}

// 6. A batch job: a picture from a prompt.
const job = await api
  .c({ capability: "comfystream-image" })
  .post({ prompts: [{ prompt: "a city at night in the rain" }], width: 256, height: 256 });
const { images } = expectOk(job) as { images: { data: string; width: number; height: number }[] };
for (const { data, width, height } of images) {
  await Bun.write("picture.png", await fetch(data));
  console.log(`picture: ${width}x${height}`);
}
