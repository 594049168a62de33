/** Streams through a diffusion pipeline on a real server, whose prompts, seeds and graphs change while they run. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { tsSegments } from "../support/clip.ts";
import { synthetic } from "../support/clip-synthetic.ts";
import { changesOf } from "../support/diffusion-changes.ts";
import { runDiffusion } from "../support/diffusion-run.ts";
import { sendClip } from "../support/live-stream.ts";
import { OnnxWorkspace } from "../support/onnx-workspace.ts";
import { MAIN, startServer } from "../support/server-process.ts";
import { writePipeline } from "../support/synthetic-pipeline.ts";

const SIDE = 64;
const FPS = 10;
/** Without drift a picture that was drawn from noise stands still, so that each change of it has a reason. */
const SETTINGS = { guidance: 4, drift: 0 };
/** In turn; a machine that is busy has time for each once. */
const CHANGES = ["prompt", "seed", "graph", "text in place of the graph"];

test("no frame is lost after inference, and every change is seen", async () => {
  quietLibav();
  await using workspace = await OnnxWorkspace.create();
  await writePipeline(join(workspace.path, "models/tiny"));
  await using server = await startServer(MAIN, ["--workspace", workspace.path]);
  const over = new AbortController();
  const media = await synthetic({ parts: [{ width: SIDE, height: SIDE, frames: 600 }], fps: FPS });
  const inputUrl = `${server.url}/trickle/camera`;
  await sendClip(inputUrl, tsSegments(media), { seconds: 60, signal: over.signal });
  const size = { width: SIDE, height: SIDE };
  const body = {
    ...size,
    model: "tiny",
    prompts: [{ prompt: "a cat" }],
    seed: 5,
    fps: FPS,
    ...SETTINGS,
    strength: 0.6,
  };
  const reports = await Promise.all(
    [
      { name: "drawn", inputUrl: null },
      { name: "restyled", inputUrl },
    ].map((stream) =>
      runDiffusion({
        url: server.url,
        body,
        seconds: 11,
        everySeconds: 2,
        ...stream,
        changes: changesOf({
          model: "tiny",
          side: SIDE,
          settings: SETTINGS,
          hasInput: stream.inputUrl !== null,
        }).filter(({ what }) => CHANGES.includes(what)),
      }),
    ),
  );
  over.abort();
  for (const { segments, ...report } of reports) {
    expect(report).toMatchObject({ backward: 0, error: null, framesDecoded: report.framesOut });
    expect(new Set(report.changes.map(({ what }) => what))).toEqual(new Set(CHANGES));
    for (const { what, after } of report.changes) {
      expect({ what, isSeen: after !== null }).toEqual({ what, isSeen: true });
    }
    expect(segments.length).toBeGreaterThan(5);
  }
}, 90_000);
