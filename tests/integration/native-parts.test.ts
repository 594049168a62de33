/** Compares the list of native parts with what the parts themselves report. */
import { beforeAll, expect, test } from "bun:test";
import { getFFmpegInfo } from "node-av/lib";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { FFMPEG_PARTS, NATIVE_FILES } from "../../src/native/parts.ts";
import { encoded, frames, times } from "../support/clip-codec.ts";

beforeAll(quietLibav);

/** Options that switch something on without linking more code. */
const SWITCHES = /^(gpl|version3|lto=auto|indev=(v4l2|xcbgrab)|cuda|cuda-llvm|cuvid|nvdec|nvenc)$/;

test("the parts of FFmpeg are those of its configuration", () => {
  const { configuration, version } = getFFmpegInfo();
  const enabled = [...configuration.matchAll(/--enable-(\S+)/g)].map(([, name = ""]) => name);
  expect(enabled).toContain("gpl");
  expect(enabled).toContain("version3");
  const linked = enabled.filter((name) => !SWITCHES.test(name));
  expect(Object.keys(FFMPEG_PARTS).sort()).toEqual(linked.sort());
  expect(NATIVE_FILES.find(({ name }) => name === "FFmpeg")?.version).toBe(version);
});

test("the versions are in the files", async () => {
  const path = Bun.resolveSync(
    `@seydx/node-av-linux-${process.arch}/node-av.node`,
    Bun.resolveSync("node-av", import.meta.dir),
  );
  const addon = Buffer.from(await Bun.file(path).arrayBuffer());
  for (const { name, version } of Object.values(FFMPEG_PARTS).flat())
    if (version !== undefined && name !== "x264")
      expect({ name, found: addon.includes(`${version}`) }).toEqual({ name, found: true });

  const [packet] = await encoded(frames(times(1, 3000)));
  const x264 = FFMPEG_PARTS["libx264"]?.[0]?.version;
  expect(Buffer.from(packet?.data ?? []).includes(`x264 - ${x264} `)).toBe(true);
});
