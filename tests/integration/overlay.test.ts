/** The infer stage while a model loads or fails: what viewers see instead, pixel by pixel. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { AV_PIX_FMT_YUV420P, Frame, quietLibav } from "../../src/engine/codec/libav.ts";
import { LabelCanvas } from "../../src/engine/codec/overlay-label.ts";
import { FramePool, type Tick, type VideoFrame } from "../../src/engine/codec/video-frame.ts";
import { type InferOptions, InferStage } from "../../src/engine/inference/infer-stage.ts";
import type { ModelHost } from "../../src/engine/inference/model-host.ts";
import type { StreamParams } from "../../src/engine/protocol/work.ts";
import { WorkerError } from "../../src/errors.ts";
import { ticks } from "../../src/media/time.ts";
import { StageGroup } from "../../src/streams/stage.ts";
import { PARAMS } from "../support/clip-pipeline.ts";
import { OnnxWorkspace } from "../support/onnx-workspace.ts";
import { RecordingObserver } from "../support/recording-observer.ts";
import { waitFor } from "../support/wait-for.ts";

const SIZE = { width: 256, height: 192 };
const YUV = [110, 100, 150] as const;
const CARD_LUMA = 30;

let workspace: OnnxWorkspace;
let host: ModelHost;
beforeAll(async () => {
  quietLibav();
  workspace = await OnnxWorkspace.create();
  host = await workspace.host();
  await Promise.all(["identity", "test-card"].map((name) => host.acquire(name)));
});
afterAll(async () => {
  await host[Symbol.asyncDispose]();
  await workspace[Symbol.asyncDispose]();
});

/** What one frame shows: where it differs from what it is without a label. */
interface Seen {
  readonly width: number;
  readonly height: number;
  /** Samples of all planes that differ by more than 2 from the plain picture, inside the label's box and outside. */
  readonly inside: number;
  readonly outside: number;
}

/** One stage with real models behind a door: a load ends when it is opened, or fails with what it is given. */
class Stream {
  readonly pool = new FramePool();
  readonly door = Promise.withResolvers<void>();
  readonly observer = new RecordingObserver();
  #params: StreamParams;
  readonly #stages = new StageGroup();
  readonly #stage: InferStage;
  readonly #writer: WritableStreamDefaultWriter<Tick | VideoFrame>;
  readonly #frames: AsyncIterator<VideoFrame>;
  readonly #hasInput: boolean;
  #pts = 0;

  constructor(hasInput: boolean, params: Partial<StreamParams> = {}, behind = "identity") {
    this.#hasInput = hasInput;
    this.#params = { ...PARAMS, model: behind, ...params };
    const doors: InferOptions["host"] = {
      acquire: async (name, signal) => {
        if (name === behind) await this.door.promise;
        return await host.acquire(name, signal);
      },
      loading: (name) => host.loading(name),
      prompts: host.prompts,
      loadDeadlineMs: host.loadDeadlineMs,
    };
    this.#stage = new InferStage({
      host: doors,
      pool: this.pool,
      key: "s",
      hasInput,
      params: () => this.#params,
      observer: this.observer,
    });
    const { readable, writable } = this.#stages.add(this.#stage, 1);
    this.#writer = writable.getWriter();
    this.#frames = readable[Symbol.asyncIterator]();
  }

  update(params: Partial<StreamParams>): void {
    this.#params = { ...this.#params, ...params };
  }

  get inferred(): number {
    return this.observer.framesInferred;
  }

  get dropped(): number {
    return this.observer.framesDropped;
  }

  /** Frames and ticks for which nothing came out. */
  get lost(): number {
    return this.observer.framesDropped + this.observer.framesSkipped;
  }

  get troubles(): string[] {
    return this.observer.troubles.map(({ message }) => message);
  }

  /** Puts one frame or tick in and looks at what comes out; null where nothing does. */
  async next(plain: readonly number[] = YUV): Promise<Seen | null> {
    this.#pts += 3000;
    const time = { pts: ticks(this.#pts), arrivedAt: performance.now() };
    const lost = this.lost;
    await this.#stage.ready();
    await this.#writer.ready;
    const written = this.#writer.write(this.#hasInput ? this.pool.adopt(flat(), time) : time);
    await written;
    if (this.lost > lost) return null;
    const { value, done } = await this.#frames.next();
    if (done) throw new Error("the stage has ended");
    using frame: VideoFrame = value;
    return look(frame.native, plain);
  }

  async end(): Promise<void> {
    await this.#writer.close();
    await this.#stages.settled();
    expect(this.pool.live).toBe(0);
  }
}

function flat(): Frame {
  const frame = new Frame();
  frame.alloc();
  frame.width = SIZE.width;
  frame.height = SIZE.height;
  frame.format = AV_PIX_FMT_YUV420P;
  frame.getBuffer();
  for (const [plane, value] of YUV.entries()) frame.data?.[plane]?.fill(value);
  return frame;
}

function look(frame: Frame, plain: readonly number[]): Seen {
  const { width, height } = frame;
  const box = new LabelCanvas({ width, height });
  let inside = 0;
  let outside = 0;
  for (const [plane, value] of plain.entries()) {
    const samples = frame.data?.[plane] ?? Buffer.alloc(0);
    const stride = frame.linesize[plane] ?? 0;
    const share = plane === 0 ? 1 : 2;
    for (let y = 0; y < height / share; y++) {
      for (let x = 0; x < width / share; x++) {
        if (Math.abs((samples[y * stride + x] ?? 0) - value) <= 2) continue;
        const [left, top] = [x * share - box.x, y * share - box.y];
        if (left >= 0 && top >= 0 && left < box.width && top < box.height) inside++;
        else outside++;
      }
    }
  }
  return { width, height, inside, outside };
}

const PLAIN = { ...SIZE, inside: 0, outside: 0 };

test("the first frame waits half a second for its model, then frames pass under a label, and plainly once it runs", async () => {
  const stream = new Stream(true);
  const begun = performance.now();
  let seen = await stream.next();
  expect(performance.now() - begun).toBeWithin(490, 2500);
  expect(seen?.inside).toBeGreaterThan(1000);
  expect(seen?.outside).toBe(0);
  expect(stream.inferred).toBe(0);
  stream.door.resolve();
  await waitFor("the model", async () => {
    seen = await stream.next();
    return stream.inferred > 0;
  });
  expect(seen).toEqual(PLAIN);
  expect([stream.dropped, stream.troubles]).toEqual([0, []]);
  await stream.end();
});

test("no frame passes a model by that loads within half a second", async () => {
  const stream = new Stream(true, {}, "edges");
  setTimeout(stream.door.resolve, 50);
  expect((await stream.next())?.outside).toBeGreaterThan(0);
  expect([stream.inferred, stream.dropped]).toEqual([1, 0]);
  await stream.end();
});

test("frames pass untouched by a model that fails to load, however long", async () => {
  const stream = new Stream(true);
  await stream.next();
  stream.door.reject(new WorkerError("model_failed", "no such file"));
  await waitFor("the failure", async () => {
    await stream.next();
    return stream.troubles.length > 0;
  });
  const end = performance.now() + 700; // longer than the grace
  await waitFor("a while", async () => {
    expect(await stream.next()).toEqual(PLAIN);
    return performance.now() > end;
  });
  expect(stream.troubles).toEqual(["no such file"]);
  await stream.end();
});

test("frames of a paused stream pass untouched while its model loads", async () => {
  const stream = new Stream(true, { paused: true });
  const end = performance.now() + 700; // longer than the grace
  await waitFor("a while", async () => {
    expect(await stream.next()).toEqual(PLAIN);
    return performance.now() > end;
  });
  stream.update({ paused: false });
  const begun = performance.now();
  expect((await stream.next())?.inside).toBeGreaterThan(1000);
  expect(performance.now() - begun).toBeGreaterThan(490); // the grace begins anew
  stream.door.resolve();
  await stream.end();
});

test("while the next model loads, the one before it runs and nothing is said", async () => {
  const stream = new Stream(true, { model: "identity" }, "edges");
  await waitFor("the first model", async () => {
    await stream.next();
    return stream.inferred > 0;
  });
  stream.update({ model: "edges" });
  const end = performance.now() + 700; // longer than the grace
  await waitFor("a while", async () => {
    expect(await stream.next()).toEqual(PLAIN);
    return performance.now() > end;
  });
  stream.door.resolve();
  await waitFor("the next model", async () => ((await stream.next())?.outside ?? 0) > 0);
  await stream.end();
});

const CARD = [CARD_LUMA, 131, 127] as const;
const CLOCK = { size: { width: 320, height: 180 } };

test("a clock's stream shows a dark card with a label until its model runs, and none if that is soon", async () => {
  const stream = new Stream(false, CLOCK, "test-card");
  let seen = await stream.next(CARD);
  expect(seen).toMatchObject({ ...CLOCK.size, outside: 0 });
  expect(seen?.inside).toBeGreaterThan(1000);
  stream.door.resolve();
  await waitFor("the model", async () => ((await stream.next(CARD))?.outside ?? 0) > 10_000);
  await stream.end();

  const soon = new Stream(false, CLOCK, "test-card");
  soon.door.resolve();
  seen = await soon.next(CARD);
  expect(seen?.outside).toBeGreaterThan(10_000);
  await soon.end();
});

test("a clock's stream whose model fails shows a card instead of silence", async () => {
  const stream = new Stream(false, CLOCK, "test-card");
  stream.door.reject(new WorkerError("model_failed", "no such file"));
  let seen: Seen | null = null;
  await waitFor("a card", async () => {
    seen = await stream.next(CARD);
    return seen !== null;
  });
  expect(seen).toMatchObject({ ...CLOCK.size, outside: 0 });
  expect(stream.troubles).toEqual(["no such file"]);
  await stream.end();
});

test("a size that changes under the label is followed, and ending in the midst leaves nothing", async () => {
  const stream = new Stream(false, CLOCK, "test-card");
  await waitFor("a card", async () => (await stream.next(CARD)) !== null);
  for (const size of [
    { width: 64, height: 64 },
    { width: 642, height: 362 },
    { width: 64, height: 512 },
    { width: 512, height: 64 },
  ]) {
    stream.update({ size });
    expect(await stream.next(CARD)).toMatchObject({ ...size, outside: 0 });
  }
  await stream.end();
});
