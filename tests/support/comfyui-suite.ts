/** What holds of graphs that run in a ComfyUI: tests for the real one, and for the stand-in, which must not differ. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { PictureConverter } from "../../src/engine/codec/picture-converter.ts";
import { TooLate } from "../../src/engine/device/job.ts";
import { ModelHost } from "../../src/engine/device/model-host.ts";
import { ModelCatalogue } from "../../src/engine/models/catalogue.ts";
import { PlanExecutor } from "../../src/engine/plan/executor.ts";
import type { Drawn } from "../../src/engine/plan/plan-result.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import { GRAPH_MODEL, type GraphUse, type StreamParams } from "../../src/engine/protocol/work.ts";
import { type ErrorKind, WorkerError } from "../../src/errors.ts";
import type { Picture } from "../../src/media/picture.ts";
import { ticks } from "../../src/media/time.ts";
import { noisePicture, OnnxWorkspace } from "./onnx-workspace.ts";
import { waitFor } from "./wait-for.ts";

const SIZE = { width: 64, height: 48 };

export const paramsFor = (...graphs: readonly unknown[]): StreamParams => ({
  prompts: [],
  model: GRAPH_MODEL,
  fit: "cover",
  paused: false,
  model_params: {},
  graphs: graphs.map((graph) => JSON.stringify(graph)),
});

/** The frame inverted, with a node that does not run here; it takes some time. */
export const slowly = (seconds: number) => ({
  "1": { class_type: "LoadTensor", inputs: {} },
  "2": { class_type: "ImageInvert", inputs: { image: ["1", 0] } },
  "3": { class_type: "TestSlow", inputs: { image: ["2", 0], seconds } },
  "4": { class_type: "SaveTensor", inputs: { images: ["3", 0] } },
});

/** A colour, without video. */
export const COLOUR = {
  "1": {
    class_type: "EmptyImage",
    inputs: { width: 32, height: 32, batch_size: 1, color: 0x404040 },
  },
  "2": { class_type: "TestChoice", inputs: { image: ["1", 0], choice: "this" } },
  "3": { class_type: "SaveImage", inputs: { images: ["2", 0], filename_prefix: "x" } },
};

/** A stream or picture whose graphs a ComfyUI runs. */
export class ServedStream implements Disposable {
  readonly frame: Picture = noisePicture(SIZE.width, SIZE.height);
  readonly executor: PlanExecutor;
  readonly #converter = new PictureConverter(UNRECORDED_CALLS);
  readonly #stop = new AbortController();
  #frames = 0;

  constructor(host: ModelHost, { kind = "stream", hasInput = true }: Partial<GraphUse> = {}) {
    const [converter, signal] = [this.#converter, this.#stop.signal];
    this.executor = new PlanExecutor({
      host,
      converter,
      signal,
      hasInput,
      kind,
      key: "stream",
      calls: UNRECORDED_CALLS,
    });
  }

  async draw(params: StreamParams, deadline?: number): Promise<Drawn> {
    const frame = await this.#converter.toFrame(this.frame, SIZE, "stretch");
    try {
      const late = deadline === undefined ? {} : { deadline };
      const job = { frame, pts: ticks(this.#frames++ * 3000), size: SIZE, params, ...late };
      return await this.executor.draw(job);
    } finally {
      frame.free();
    }
  }

  async drawWith(params: StreamParams): Promise<Drawn> {
    await this.executor.prepare(params);
    return await this.draw(params);
  }

  /** The frame as graphs get it: it has been through 4:2:0. */
  async plain(): Promise<Picture> {
    const frame = await this.#converter.toFrame(this.frame, SIZE, "stretch");
    try {
      return await this.#converter.toPicture(frame, SIZE, "stretch");
    } finally {
      frame.free();
    }
  }

  end(): void {
    this.#stop.abort(new DOMException("stream over", "AbortError"));
  }

  [Symbol.dispose](): void {
    this.end();
    this.executor[Symbol.dispose]();
    this.#converter[Symbol.dispose]();
  }
}

/** A model host whose graphs go to the ComfyUI at `url` where they cannot run here. */
export class ServedHost implements AsyncDisposable {
  readonly host: ModelHost;
  readonly #workspace: OnnxWorkspace;

  static async start(url: string): Promise<ServedHost> {
    const workspace = await OnnxWorkspace.create();
    const catalogue = await ModelCatalogue.open(workspace.path);
    const options = { catalogue, device: "cpu", onChange: () => {}, comfyuiUrl: url };
    return new ServedHost(workspace, new ModelHost(options));
  }

  private constructor(workspace: OnnxWorkspace, host: ModelHost) {
    this.#workspace = workspace;
    this.host = host;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.host[Symbol.asyncDispose]();
    await this.#workspace[Symbol.asyncDispose]();
  }
}

export async function failureOf(work: Promise<unknown>, kind: ErrorKind): Promise<WorkerError> {
  const error = await work.then(
    () => null,
    (one: unknown) => one,
  );
  if (!(error instanceof WorkerError)) throw new Error(`no WorkerError: ${error}`);
  expect(error.kind).toBe(kind);
  return error;
}

/** Ids of the graphs that run and wait. */
export async function queueOf(url: string): Promise<{ running: string[]; waiting: string[] }> {
  const queue = (await (await fetch(`${url}/queue`)).json()) as Record<string, unknown[][]>;
  const ids = (key: string) => (queue[key] ?? []).map((entry) => String(entry[1]));
  return { running: ids("queue_running"), waiting: ids("queue_pending") };
}

export const isIdle = async (url: string): Promise<boolean> => {
  const { running, waiting } = await queueOf(url);
  return running.length + waiting.length === 0;
};

export const inverted = (picture: Picture): Uint8Array => picture.data.map((value) => 255 - value);

/** ComfyUI truncates 255 · v, which in float32 may lie just below an integer. */
export const isClose = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((value, at) => Math.abs(value - (other[at] ?? 0)) <= 1);

/** `start` gives the URL of a ComfyUI with the classes of interop/comfyui/test_nodes.py. */
export function comfyUiTests(
  start: () => Promise<{ readonly url: string } & AsyncDisposable>,
): void {
  let comfy: Awaited<ReturnType<typeof start>>;
  let served: ServedHost;
  let host: ModelHost;
  beforeAll(async () => {
    comfy = await start();
    served = await ServedHost.start(comfy.url);
    ({ host } = served);
  }, 120_000);
  afterAll(async () => {
    await served?.[Symbol.asyncDispose]();
    await comfy?.[Symbol.asyncDispose]();
  });

  const refusalOf = async (graph: unknown, use: GraphUse = { kind: "stream", hasInput: true }) =>
    await failureOf(host.graphModel([JSON.stringify(graph)], use), "invalid_request");

  test("a graph with a class that does not run here draws frames there", async () => {
    using stream = new ServedStream(host);
    const params = paramsFor(slowly(0));
    const { picture, inferenceMs } = await stream.drawWith(params);
    expect(isClose(picture.data, inverted(await stream.plain()))).toBe(true);
    expect(inferenceMs).toBeGreaterThan(0);
    expect(stream.executor.models.map(({ executionProvider }) => executionProvider)).toEqual([
      "ComfyUI",
    ]);
    expect(stream.executor.runs(params)).toBe(true);
  });

  test("every frame is a new one, though its file has the same name", async () => {
    using stream = new ServedStream(host);
    const params = paramsFor(slowly(0));
    await stream.drawWith(params);
    stream.frame.data.fill(200);
    const { picture } = await stream.draw(params);
    expect(isClose(picture.data, inverted(await stream.plain()))).toBe(true);
  });

  test("several graphs run one after the other, each on the picture of the one before", async () => {
    using stream = new ServedStream(host);
    const { picture } = await stream.drawWith(paramsFor(slowly(0), slowly(0)));
    expect(isClose(picture.data, (await stream.plain()).data)).toBe(true);
  });

  test("a graph without video draws by itself, and has its own size as a picture", async () => {
    using stream = new ServedStream(host, { kind: "picture", hasInput: false });
    const { picture } = await stream.drawWith(paramsFor(COLOUR));
    // ComfyUI computes nothing the second time.
    expect((await stream.draw(paramsFor(COLOUR))).picture).toEqual(picture);
    expect([picture.width, picture.height, picture.data[0], picture.data.at(-1)]).toEqual([
      32, 32, 64, 64,
    ]);
  });

  test("a text that SaveTextTensor gets is reported", async () => {
    using stream = new ServedStream(host);
    const graph = {
      ...slowly(0),
      "8": { class_type: "TestText", inputs: { text: "a bottle" } },
      "9": { class_type: "SaveTextTensor", inputs: { data: ["8", 0] } },
    };
    expect((await stream.drawWith(paramsFor(graph))).texts).toEqual({ "9": "A BOTTLE" });
  });

  test("what is wrong with values is said by node, class and input, and nothing runs", async () => {
    const graph = {
      ...COLOUR,
      "2": { class_type: "TestChoice", inputs: { image: ["1", 0], choice: "other" } },
    };
    const { message, details } = await refusalOf(graph);
    expect(message).toContain(
      "node 2 (TestChoice): choice: Value not in list ('other' not in ['this', 'that'])",
    );
    expect(details).toMatchObject([
      { field: "prompts", node: "2", class_type: "TestChoice", input: "choice" },
    ]);
    expect(await isIdle(comfy.url)).toBe(true);
  });

  test("all faults are named at once, those of the nodes that show pictures too", async () => {
    const graph = {
      "1": { class_type: "LoadTensor", inputs: {} },
      "2": { class_type: "TestChoice", inputs: { image: ["1", 0] } },
      "3": { class_type: "TestText", inputs: {} },
      "4": { class_type: "SaveTensor", inputs: { images: ["3", 0] } },
      "5": { class_type: "PreviewImage", inputs: { images: ["2", 0] } },
      "6": { class_type: "SaveImage", inputs: {} },
    };
    const { details } = await refusalOf(graph);
    const places = details.map(({ node, input }) => `${node} ${input}`).sort();
    expect(places).toEqual(["2 choice", "4 images", "6 images"]);
  });

  test("an examination finds it in order", async () => {
    const report = await host.examineComfyUi();
    expect(report).toMatchObject({ version: "0.3.64", devices: ["cpu"], problems: [] });
  });

  test("a class that is misspelt is named with the one that ComfyUI has", async () => {
    const graph = {
      ...slowly(0),
      "2": { class_type: "ImageInvrt", inputs: { image: ["1", 0] } },
      "3": { class_type: "TestSlw", inputs: { image: ["2", 0], seconds: 0 } },
    };
    const { details } = await refusalOf(graph);
    expect(details).toMatchObject([
      { node: "2", problem: expect.stringContaining("did you mean ImageInvert?") },
      { node: "3", problem: expect.stringContaining("did you mean TestSlow?") },
    ]);
  });

  test("what its validation stops at hides nothing else", async () => {
    const graph = {
      "1": { class_type: "LoadTensor", inputs: {} },
      "2": { class_type: "TestChoice", inputs: { image: ["77", 0], choice: "other" } },
      "3": { class_type: "TestNone", inputs: { image: ["2", 0] } },
      "4": { class_type: "TestSlow", inputs: { image: ["3", 0], seconds: "soon" } },
      "5": { class_type: "SaveTensor", inputs: { images: ["4", 0] } },
      "6": { class_type: "ImageInvert", inputs: { image: ["7", 0] } },
      "7": { class_type: "ImageInvert", inputs: { image: ["6", 0] } },
      "8": { class_type: "TestChoice", inputs: { image: ["6", 0], choice: "none" } },
      "9": { class_type: "PreviewImage", inputs: { images: ["8", 0] } },
      "10": { class_type: "TestChoice", inputs: { image: ["1", 0], choice: "bad" } },
      "11": { class_type: "SaveImage", inputs: { images: ["10", 0] } },
      "12": { class_type: "TestText", inputs: {} },
      "13": { class_type: "SaveTextTensor", inputs: { data: ["99", 0] } },
      "14": { class_type: 5, inputs: {} },
      "15": { class_type: "SaveTextTensor", inputs: {} },
    };
    const { details } = await refusalOf(graph);
    const places = details.map(({ node, input = "" }) => `${node} ${input}`.trim()).sort();
    expect(places).toEqual(
      [
        "2 image",
        "3",
        "4 seconds",
        "6",
        "7",
        "8 choice",
        "10 choice",
        "13 data",
        "14",
        "15 data",
      ].sort(),
    );
    expect(await isIdle(comfy.url)).toBe(true);
  });

  test("the problems of all graphs of a list come at once", async () => {
    const bad = { ...COLOUR, "2": { class_type: "TestChoice", inputs: { image: ["1", 0] } } };
    const graphs = [bad, COLOUR, { ...COLOUR, "3": { class_type: "SaveImage", inputs: {} } }];
    const { details } = await failureOf(
      host.graphModel(
        graphs.map((one) => JSON.stringify(one)),
        { kind: "stream", hasInput: true },
      ),
      "invalid_request",
    );
    expect(details.map(({ field, node, input }) => [field, node, input])).toEqual([
      ["prompts.0", "2", "choice"],
      ["prompts.2", "3", "images"],
    ]);
  });

  test("a class that runs nowhere is named", async () => {
    const graph = {
      ...slowly(0),
      "9": { class_type: "FaceMeshNode", inputs: { image: ["2", 0] } },
    };
    const { message } = await refusalOf(graph);
    expect(message).toMatch(
      /^prompts: node 9 has the class FaceMeshNode, which the ComfyUI at COMFYUI_URL does not have/,
    );
    expect(message).toEndWith("because this does not run here: TestSlow, FaceMeshNode");
  });

  test("links that lead nowhere or in a circle are named", async () => {
    const nowhere = {
      ...slowly(0),
      "4": { class_type: "SaveTensor", inputs: { images: ["77", 0] } },
    };
    expect((await refusalOf(nowhere)).message).toContain(
      'node 4 (SaveTensor): images links to node "77"',
    );
    const circle = {
      ...slowly(0),
      "2": { class_type: "ImageInvert", inputs: { image: ["3", 0] } },
    };
    expect((await refusalOf(circle)).message).toContain("needs the next, and the last the first");
  });

  test("a graph that shows nothing, and one whose video is missing, are refused", async () => {
    const { "4": _, ...silent } = slowly(0);
    expect((await refusalOf(silent)).message).toContain(
      "no node of the graph gives a picture back",
    );
    const withoutVideo = await refusalOf(slowly(0), { kind: "stream", hasInput: false });
    expect(withoutVideo.message).toContain("there is no video for node 1 (LoadTensor)");
  });

  test("a picture of the request takes the place of a file that ComfyUI does not have", async () => {
    const graph = (image: string) => ({
      ...slowly(0),
      "1": { class_type: "LoadImage", inputs: { image } },
    });
    using stream = new ServedStream(host, { kind: "picture" });
    const { picture } = await stream.drawWith(paramsFor(graph("absent.png")));
    expect(isClose(picture.data, inverted(await stream.plain()))).toBe(true);
    const without = await refusalOf(graph("absent.png"), { kind: "picture", hasInput: false });
    expect(without.message).toContain("node 1 (LoadImage): image: Custom validation failed");
  });

  test("a node that fails is named with its error, and a graph that is in order runs afterwards", async () => {
    using stream = new ServedStream(host);
    const graph = {
      ...slowly(0),
      "2": { class_type: "TestFail", inputs: { image: ["1", 0], message: "no luck" } },
    };
    const { message } = await failureOf(stream.executor.prepare(paramsFor(graph)), "model_failed");
    expect(message).toMatch(
      /^node 2 \(TestFail\): no luck; in the ComfyUI at COMFYUI_URL \(http:\/\/127[^)]*\)$/,
    );
    expect((await stream.drawWith(paramsFor(slowly(0)))).picture.width).toBe(SIZE.width);
  });

  test("a graph that fails does not take the place of the one that runs", async () => {
    using stream = new ServedStream(host);
    const [good, bad] = [
      paramsFor(slowly(0)),
      paramsFor({
        ...slowly(0),
        "2": { class_type: "TestFail", inputs: { image: ["1", 0], message: "no" } },
      }),
    ];
    await stream.drawWith(good);
    await failureOf(stream.executor.prepare(bad), "model_failed");
    expect(stream.executor.runs(bad)).toBe(false);
    expect((await stream.draw(bad)).picture.width).toBe(SIZE.width);
  });

  test("the run of a stream that ends is interrupted", async () => {
    using stream = new ServedStream(host);
    const loading = stream.executor.prepare(paramsFor(slowly(50)));
    await waitFor("the graph runs", async () => (await queueOf(comfy.url)).running.length === 1);
    stream.end();
    await expect(loading).rejects.toThrow("stream over");
    await waitFor("it is interrupted", async () => await isIdle(comfy.url));
  });

  test("a graph that waits is taken out of the queue, and another client's is left alone", async () => {
    using stream = new ServedStream(host);
    await stream.drawWith(paramsFor(slowly(0)));
    const { "1": _, "2": __, ...rest } = slowly(50);
    const prompt = {
      "1": COLOUR["1"],
      ...rest,
      "3": { class_type: "TestSlow", inputs: { image: ["1", 0], seconds: 50 } },
      "4": { class_type: "PreviewImage", inputs: { images: ["3", 0] } },
    };
    const body = JSON.stringify({ prompt, prompt_id: "foreign", client_id: "somebody" });
    await fetch(`${comfy.url}/prompt`, { method: "POST", body });
    await waitFor(
      "another's graph runs",
      async () => (await queueOf(comfy.url)).running[0] === "foreign",
    );
    const drawing = stream.draw(paramsFor(slowly(0)));
    await waitFor(
      "the stream's waits",
      async () => (await queueOf(comfy.url)).waiting.length === 1,
    );
    stream.end();
    await expect(drawing).rejects.toThrow("stream over");
    await waitFor("it is taken out", async () => (await queueOf(comfy.url)).waiting.length === 0);
    expect((await queueOf(comfy.url)).running).toEqual(["foreign"]);
    await fetch(`${comfy.url}/interrupt`, {
      method: "POST",
      body: JSON.stringify({ prompt_id: "foreign" }),
    });
    await waitFor("all is over", async () => await isIdle(comfy.url));
  });

  test("new graphs interrupt the run of those before", async () => {
    using stream = new ServedStream(host);
    const slow = paramsFor(slowly(2));
    await stream.executor.prepare(slow);
    const changed = stream.executor.prepare(paramsFor(slowly(0.5)));
    await waitFor("the trial of the new ones runs", async () => !(await isIdle(comfy.url)));
    const late = stream.draw(slow);
    await expect(late).rejects.toBeInstanceOf(TooLate);
    await changed;
    await waitFor("it is interrupted", async () => await isIdle(comfy.url));
  });

  test("of graphs that change quickly only the newest are tried to the end", async () => {
    using stream = new ServedStream(host);
    const first = stream.executor.prepare(paramsFor(slowly(40)));
    await waitFor("the first are tried", async () => !(await isIdle(comfy.url)));
    const second = stream.executor.prepare(paramsFor(slowly(41)));
    const newest = paramsFor(slowly(0));
    await Promise.all([first, second, stream.executor.prepare(newest)]);
    expect((await stream.draw(newest)).picture.width).toBe(SIZE.width);
    await waitFor("the others are interrupted", async () => await isIdle(comfy.url));
  });

  test("pictures of a lane run one at a time, and one that waited too long is refused", async () => {
    using stream = new ServedStream(host);
    const { graphs = [], ...params } = paramsFor(slowly(0.5));
    await stream.executor.prepare({ ...params, graphs });
    const [model] = stream.executor.models;
    if (model === undefined) throw new Error("no model");
    const run = async (limit: { deadline?: number } = {}) =>
      await model.run({
        key: "stream",
        lane: "a lane",
        calls: UNRECORDED_CALLS,
        size: SIZE,
        original: null,
        picture: noisePicture(SIZE.width, SIZE.height),
        ...limit,
        values: { prompts: { prompts: [], graphs } },
      });
    const [first, second, third] = [run(), run(), run({ deadline: performance.now() + 50 })];
    const refusal = third.catch((error: unknown) => error);
    await waitFor("the first runs", async () => (await queueOf(comfy.url)).running.length === 1);
    expect((await queueOf(comfy.url)).waiting).toEqual([]);
    expect(await refusal).toBeInstanceOf(TooLate);
    const [one, other] = await Promise.all([first, second]);
    expect([one.picture?.width, other.picture?.width]).toEqual([SIZE.width, SIZE.width]);
    model.forget("a lane");
  });

  test("a cleared queue is noticed", async () => {
    using stream = new ServedStream(host);
    const params = paramsFor(slowly(0));
    await stream.drawWith(params);
    using other = new ServedStream(host);
    const blocking = other.executor.prepare(paramsFor(slowly(50)));
    await waitFor(
      "another graph runs",
      async () => (await queueOf(comfy.url)).running.length === 1,
    );
    const drawing = stream.draw(params);
    await waitFor(
      "the stream's waits",
      async () => (await queueOf(comfy.url)).waiting.length === 1,
    );
    await fetch(`${comfy.url}/queue`, { method: "POST", body: JSON.stringify({ clear: true }) });
    const { message } = await failureOf(drawing, "model_failed");
    expect(message).toContain("it has lost the graph: was its queue cleared?");
    other.end();
    await expect(blocking).rejects.toThrow("stream over");
    await waitFor("all is over", async () => await isIdle(comfy.url));
  }, 20_000);
}
