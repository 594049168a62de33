/** `models check` on real ONNX files: the pictures that it saves, what it prints, and what it finds wrong. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdir, rm, symlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { decodeImage } from "../../src/engine/codec/image-file.ts";
import { GraphBuilder, type Value } from "../../src/engine/models/graph-builder.ts";
import { checkModel } from "../../src/workspace/check.ts";
import { initModel } from "../../src/workspace/init.ts";
import { CommandRun } from "../support/command-run.ts";
import { MAIN } from "../support/server-process.ts";
import { sharedData } from "../support/shared-data.ts";
import { writePipeline } from "../support/synthetic-pipeline.ts";

setDefaultTimeout(60_000);

const DIMS = [1, 3, "h", "w"] as const;

/** A model from `x` to `y`, and what else `more` adds. */
function model(
  body: (graph: GraphBuilder, x: Value) => Value,
  more: (graph: GraphBuilder, x: Value) => void = () => {},
): Uint8Array {
  const graph = new GraphBuilder();
  const x = graph.input("x", "float32", DIMS);
  graph.output("y", body(graph, x), "float32", DIMS);
  more(graph, x);
  return graph.build("test");
}

const identity = model((graph, x) => graph.node("Identity", [x]));
const times = (factor: number): Uint8Array =>
  model((graph, x) => graph.node("Mul", [x, graph.constant("float32", [], [factor])]));

/** Writes a model's folder below the run's, and returns its path. */
async function folder(
  run: CommandRun,
  name: string,
  onnx: Uint8Array,
  json: unknown,
): Promise<string> {
  const path = run.path(name);
  await Bun.write(join(path, "net.onnx"), onnx);
  if (json !== null) await Bun.write(join(path, "model.json"), JSON.stringify(json));
  return path;
}

async function check(run: CommandRun, argument: string, image?: string): Promise<string> {
  await checkModel(argument, { image, out: run.path("out") }, run.context());
  return run.printed.splice(0).join("\n");
}

const failure = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "none",
    (error: Error) => error.message,
  );

async function savedSize(run: CommandRun, file: string): Promise<string> {
  const frame = await decodeImage(await Bun.file(run.path("out", file)).bytes());
  const size = `${frame.width}x${frame.height}`;
  frame.free();
  return size;
}

test("a model that is right is said to be, and its pictures are saved before and after", async () => {
  await using run = await CommandRun.create();
  const printed = await check(run, await folder(run, "same", identity, {}));
  expect(printed).toMatch(/^same: [\d.]+ ms a frame of 512x512 on CPUExecutionProvider\n/);
  expect(printed).toContain("y  image  0 to 1, mean 0.");
  expect(printed).toEndWith("nothing looks wrong");
  expect(await savedSize(run, "same-before.png")).toBe("512x512");
  const [before, after] = await Promise.all(
    ["before", "after"].map((when) => Bun.file(run.path("out", `same-${when}.png`)).bytes()),
  );
  expect(after).toEqual(before as Uint8Array<ArrayBuffer>);
});

test("a picture of one's own is used in its size, with even sides", async () => {
  await using run = await CommandRun.create();
  const picture = await Bun.file(join(import.meta.dir, "../../docs/playground.png")).bytes();
  await Bun.write(run.path("shot.png"), picture);
  const path = await folder(run, "same", identity, {});
  const printed = await check(run, path, run.path("shot.png"));
  expect(printed).toContain("nothing looks wrong");
  expect(await savedSize(run, "same-after.png")).toBe(await savedSize(run, "same-before.png"));
  await Bun.write(run.path("shot.png"), "not a picture");
  expect(await failure(check(run, path, run.path("shot.png")))).toContain("image");
});

describe("what looks wrong is named with the field to change:", () => {
  const wrong = async (onnx: Uint8Array, json: unknown = {}): Promise<string> => {
    await using run = await CommandRun.create();
    const printed = await check(run, await folder(run, "wrong", onnx, json));
    return printed.slice(printed.indexOf("looks wrong:"));
  };

  test("bytes that are read as 0 to 1", async () => {
    expect(await wrong(times(255))).toBe(
      "looks wrong:\n  outputs.y.range: is [0, 1] but the values run from 0 to 255: set it to [0, 255]",
    );
  });

  test("0 to 1 that is read as bytes", async () => {
    const json = { outputs: { y: { role: "image", range: [0, 255] } } };
    expect(await wrong(identity, json)).toContain(
      "is [0, 255] but the values run from 0 to 1: set it to [0, 1]",
    );
  });

  test("swapped channels", async () => {
    const swap = model((graph, x) =>
      graph.node("Gather", [x, graph.constant("int64", [3], [2, 1, 0])], { axis: 1n }),
    );
    expect(await wrong(swap)).toContain("inputs.x.channels: red and blue are swapped");
    const json = { outputs: { y: { role: "image", channels: "bgr" } } };
    expect(await wrong(swap, json)).not.toContain("swapped");
  });

  test("an inverted picture", async () => {
    const invert = model((graph, x) => graph.node("Sub", [graph.constant("float32", [], [1]), x]));
    expect(await wrong(invert)).toContain("outputs.y.range: the picture is inverted");
  });

  test("values that are not numbers", async () => {
    const nan = model((graph, x) => {
      const zero = graph.node("Sub", [x, x]);
      return graph.node("Div", [zero, zero]);
    });
    expect(await wrong(nan)).toContain(
      "outputs.y: 786432 NaN of 786432 values: check range, mean and std",
    );
  });

  test("a constant picture", async () => {
    expect(await wrong(times(0))).toContain(
      "outputs.y: every value is 0: check range, mean, std and channels",
    );
  });
});

test("a diffusion pipeline draws by a prompt, or by a prompt and a picture, with and without model.json", async () => {
  await using run = await CommandRun.create();
  const path = run.path("drawn");
  await writePipeline(path);
  const printed = await check(run, path);
  expect(printed).toMatch(/^drawn: [\d.]+ ms a frame of 512x512 on CPUExecutionProvider\n/);
  expect(printed).toContain('\na diffusion pipeline: drawn by the prompt "a test"\nsaved ');
  expect(printed).toEndWith("nothing looks wrong");
  expect(await Bun.file(run.path("out/drawn-before.png")).exists()).toBe(false);
  await Bun.write(join(path, "model.json"), JSON.stringify({ name: "named" }));
  const shot = await check(run, path, run.path("out/drawn-after.png"));
  expect(shot).toContain('drawn by the prompt "a test" and the picture');
  expect(await savedSize(run, "named-after.png")).toBe("512x512");
  expect(await savedSize(run, "named-before.png")).toBe("512x512");
});

test("a pipeline that lacks a network is refused with what is missing", async () => {
  await using run = await CommandRun.create();
  await writePipeline(run.path("cut"));
  await rm(run.path("cut/unet"), { recursive: true });
  expect(await failure(check(run, run.path("cut")))).toContain("unet/model.onnx missing");
});

test("numbers of data outputs are printed", async () => {
  await using run = await CommandRun.create();
  const onnx = model(
    (graph, x) => graph.node("Identity", [x]),
    (graph, x) => {
      const mean = graph.node("GlobalAveragePool", [x]);
      const flat = graph.node("Reshape", [mean, graph.constant("int64", [2], [1, 3])]);
      graph.output("colour", flat, "float32", [1, 3]);
    },
  );
  const json = { outputs: { colour: { role: "data", labels: ["red", "green", "blue"] } } };
  const printed = await check(run, await folder(run, "both", onnx, json));
  expect(printed).toMatch(/\ncolour: \[\{"label":"\w+","score":0\.\d+\},/);
});

test("a folder without a model.json is checked by its draft", async () => {
  await using run = await CommandRun.create();
  const printed = await check(run, await folder(run, "bare", identity, null));
  expect(printed).toContain("there is no model.json: the draft of models init is tried");
  expect(printed).toEndWith("nothing looks wrong");
});

test("a model of the workspace is checked by its name, a built-in one too", async () => {
  await using run = await CommandRun.create();
  await folder(run, "workspace/models/mine", identity, {});
  expect(await check(run, "mine")).toStartWith("mine: ");
  expect(await check(run, "identity")).toStartWith("identity: ");
  expect(await failure(check(run, "nobody"))).toBe(
    "nobody is neither a folder nor a model of the workspace, which has mine",
  );
});

test("a model that cannot run is refused with the reason", async () => {
  await using run = await CommandRun.create();
  const broken = model((graph, x) =>
    graph.node("Reshape", [x, graph.constant("int64", [4], [1, 3, 7, 7])]),
  );
  expect(await failure(check(run, await folder(run, "broken", broken, {})))).toContain(
    "model broken",
  );
  const json = { inputs: { z: { role: "frame" } } };
  expect(await failure(check(run, await folder(run, "odd", identity, json)))).toContain(
    "inputs.z is not in the ONNX file",
  );
});

test("a model that another one feeds finds it beside its folder", async () => {
  await using run = await CommandRun.create();
  const feeder = new GraphBuilder();
  const picture = feeder.input("style", "float32", [1, 3, 8, 8]);
  feeder.output("gain", feeder.node("ReduceMean", [picture], { keepdims: 0n }), "float32", []);
  await folder(run, "feeder", feeder.build("feeder"), {
    inputs: { style: { role: "image", name: "style" } },
    outputs: { gain: { role: "data" } },
  });
  const graph = new GraphBuilder();
  const x = graph.input("x", "float32", DIMS);
  const gain = graph.input("gain", "float32", []);
  graph.output("y", graph.node("Mul", [x, gain]), "float32", DIMS);
  const path = await folder(run, "fed", graph.build("fed"), {
    inputs: { gain: { from: { model: "feeder", output: "gain" } } },
  });
  // The style is the test picture, whose mean is below 1.
  expect(await check(run, path)).toMatch(/\ny +image +0 to 0\.\d+, mean/);
});

describe("real networks, by the draft of models init:", () => {
  const models = sharedData("models");
  test
    .skipIf(models === null)
    .each([
      "trained/multistyle26",
      "trained/arbitrary_predict",
      "trained/arbitrary_transform",
      "trained/terrain_consistency_unet_difficulty100",
      "trained/ch_PP-OCRv4_det_infer",
      "trained/ch_ppocr_mobile_v2.0_cls_infer",
      "style/candy_nc16_256",
      "style/mosaic_nc16_256",
    ])("%s looks right", async (file) => {
    await using run = await CommandRun.create();
    for (const each of new Set(["trained/arbitrary_predict", file])) {
      const path = run.path(basename(each));
      await mkdir(path);
      await symlink(`${models}/${each}.onnx`, join(path, `${basename(each)}.onnx`));
      await initModel(path, { name: undefined, existing: "keep" }, run.context());
    }
    run.printed.length = 0;
    expect(await check(run, run.path(basename(file)))).toEndWith("nothing looks wrong");
  });
});

test("a reader that takes nothing ends the program without an error", async () => {
  await using run = await CommandRun.create();
  const line = `"${process.execPath}" "${MAIN}" models check identity --out "${run.path("out")}" | true`;
  const child = Bun.spawn(["sh", "-c", line], { stdio: ["ignore", "ignore", "pipe"] });
  expect(await new Response(child.stderr).text()).toBe("");
});
