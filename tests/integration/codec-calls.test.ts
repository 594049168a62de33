/** Opening a codec or a filter graph is recorded, like every other native call: it may crash or hang as well. */
import { beforeAll, expect, spyOn, test } from "bun:test";
import { CodecContext, FilterGraph, quietLibav } from "../../src/engine/codec/libav.ts";
import { PictureConverter } from "../../src/engine/codec/picture-converter.ts";
import type { NativeCalls } from "../../src/engine/protocol/call-journal.ts";
import { decoded, encoded, frames, PART, packets } from "../support/clip-codec.ts";
import { noisePicture } from "../support/onnx-workspace.ts";
import { RecordingObserver } from "../support/recording-observer.ts";

beforeAll(() => quietLibav());

/** Records which calls are in flight whenever FFmpeg opens something. */
class OpenedDuring implements Disposable, NativeCalls {
  readonly kinds: string[] = [];
  readonly #inFlight = new Set<string>();
  readonly #spies;

  constructor() {
    const [open, configure] = [CodecContext.prototype.open2Sync, FilterGraph.prototype.configSync];
    const note = () => this.kinds.push([...this.#inFlight].join() || "nothing");
    this.#spies = [
      spyOn(CodecContext.prototype, "open2Sync").mockImplementation(function (
        this: CodecContext,
        ...args
      ) {
        note();
        return open.apply(this, args);
      }),
      spyOn(FilterGraph.prototype, "configSync").mockImplementation(function (this: FilterGraph) {
        note();
        return configure.apply(this);
      }),
    ];
  }

  begin(kind: string): Disposable {
    this.#inFlight.add(kind);
    return { [Symbol.dispose]: () => this.#inFlight.delete(kind) };
  }

  [Symbol.dispose](): void {
    for (const spy of this.#spies) spy.mockRestore();
  }
}

test("an encoder is opened within a recorded call", async () => {
  using calls = new OpenedDuring();
  await encoded(frames([0, 3000]), { calls });
  expect(calls.kinds).toEqual(["encode"]);
});

test("a decoder is opened within a recorded call", async () => {
  const input = await packets({ parts: [PART] });
  using calls = new OpenedDuring();
  expect((await decoded(input, new RecordingObserver(), calls)).length).toBe(PART.frames);
  expect(calls.kinds).toEqual(["decode"]);
});

test("a filter graph is configured within a recorded call", async () => {
  using calls = new OpenedDuring();
  using converter = new PictureConverter(calls);
  const frame = await converter.toFrame(noisePicture(64, 64), { width: 32, height: 32 }, "stretch");
  frame.free();
  expect(calls.kinds).toEqual(["convert"]);
});
