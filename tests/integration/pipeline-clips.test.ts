/** Runs clips through the whole pipeline. */
import { expect, test } from "bun:test";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { decodeAlone, fragmentsOf, worstGap } from "../support/clip-output.ts";
import { ClipRun } from "../support/clip-pipeline.ts";
import { readMedia } from "../support/clip-reader.ts";
import { CLIPS } from "../support/clips.ts";
import { OnnxWorkspace } from "../support/onnx-workspace.ts";

const SMALL = { size: { width: 256, height: 144 } } as const;

for (const { name, missing, frames, sounds, open } of CLIPS) {
  test.skipIf(missing)(
    `${name} passes through edges complete: every frame, every timestamp, the sound in step`,
    async () => {
      quietLibav();
      await using workspace = await OnnxWorkspace.create();
      await using host = await workspace.host();
      await host.acquire("edges");
      const input = await open();
      const source = await readMedia(Uint8Array.from(Buffer.concat(input.segments)));
      const run = new ClipRun({ segments: input.segments, host, params: SMALL });
      await run.pipeline.run();
      expect(run).toMatchObject({
        framesIn: frames,
        framesOut: frames,
        framesDropped: 0,
        troubles: [],
      });
      expect(run.framesInferred).toBeGreaterThanOrEqual(frames - 3); // none runs before the first frame asks
      expect(run.pipeline.frames).toBe(0);
      const out = await decodeAlone(run);
      const stamps = (source.video?.packets ?? []).map(({ pts }) => pts).sort((a, b) => a - b);
      expect(out.video.map(({ pts }) => pts)).toEqual(stamps);
      const parts = fragmentsOf(run);
      expect(parts.every(({ track, samples }) => track !== 1 || samples.length === 1)).toBe(true);
      expect(out.audio.length).toBe(sounds);
      // The first frame lasts 1/30 s, since nothing is known of a second one; stamps are rounded.
      expect(worstGap(parts.slice(4), 1)).toBeLessThanOrEqual(1);
      expect(worstGap(parts, 2)).toBe(0);
      if (sounds === 0) return;
      const offset = (source.audio?.packets[0]?.pts ?? 0) - (source.video?.packets[0]?.pts ?? 0);
      const made = (out.audio[0]?.pts ?? 0) - (out.video[0]?.pts ?? 0);
      expect(Math.abs(made - offset)).toBeLessThan(0.02 * 90_000);
      const last = source.audio?.packets.at(-1)?.pts ?? 0;
      expect(Math.abs((out.audio.at(-1)?.pts ?? 0) - last)).toBeLessThan(0.02 * 90_000);
    },
  );
}
