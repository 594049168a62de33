import { expect, test } from "bun:test";
import { type ModelJson, parseModelJson } from "../../../../src/engine/models/model-json.ts";
import { WorkerError } from "../../../../src/errors.ts";

const parse = (content: unknown) => parseModelJson(JSON.stringify(content));

test("everything may be left out", () => {
  expect(parse({})).toEqual({});
});

test("all roles and fields are understood", () => {
  const json: ModelJson = {
    name: "a",
    description: "b",
    file: "m.onnx",
    fit: "contain",
    inputs: {
      x: {
        role: "frame",
        layout: "nhwc",
        channels: "bgr",
        range: [-1, 1],
        mean: [0.5],
        std: [1, 2, 3],
        dtype: "float16",
        size: [640, 360],
        multiple_of: 8,
      },
      gain: { role: "param", default: 1, min: 0, max: 2, integer: false, description: "d" },
      t: { role: "time" },
      w: { role: "width" },
      h: { role: "height" },
      style: { role: "image", file: "assets/style 1.png" },
    },
    outputs: { y: { role: "image", layout: "chw", range: [0, 255] } },
  };
  expect(parse(json)).toEqual(json);
});

test.each([
  [
    { fil: "m.onnx" },
    "fil is an unknown field; allowed: name, description, license, homepage, file",
  ],
  [{ file: 3 }, "file is 3; expected string"],
  [
    { presets: { bold: { style: [{}] } } },
    "presets.bold.style is [{}]; allowed: a number, a boolean, a list of numbers, a string, an object",
  ],
  [
    { inputs: { x: { role: "param", name: "a b" } } },
    "inputs.x.name is \"a b\"; expected string to match '^[A-Za-z_][A-Za-z0-9_.-]{0,63}$'",
  ],
  [{ license: ["x".repeat(5000)] }, `license is ["${"x".repeat(98)}…; expected string`],
  [{ fit: "crop" }, 'fit is "crop"; allowed: "cover", "contain", "stretch"'],
  [{ inputs: { x: {} } }, "inputs.x.role is missing"],
  [{ inputs: { x: { role: "fram" } } }, 'inputs.x.role is "fram"; allowed: frame, previous_frame'],
  [{ inputs: { x: { role: "constructor" } } }, 'role is "constructor"; allowed: frame'],
  [
    { inputs: { x: { role: "frame", layout: "nchv" } } },
    'inputs.x.layout is "nchv"; allowed: "nchw"',
  ],
  [{ inputs: { x: { role: "frame", size: 256 } } }, 'size is 256; allowed: "free", two numbers'],
  [
    { inputs: { x: { role: "frame", gain: 2 } } },
    "inputs.x.gain is an unknown field; allowed: role",
  ],
  [{ outputs: { y: { role: "frame" } } }, 'outputs.y.role is "frame"; allowed: image, mask'],
  [{ inputs: { x: { role: "data" } } }, 'inputs.x.role is "data"; allowed: frame'],
  [{ inputs: { x: { from: { model: "m" } } } }, "inputs.x.from.output is missing"],
  [{ inputs: { x: { role: "state" } } }, "inputs.x.output is missing"],
  [{ inputs: { x: { role: "image", file: "../secret.png" } } }, "inputs.x.file is"],
  [{ inputs: { x: { role: "image", file: "a/../../secret.png" } } }, "inputs.x.file is"],
  [{ inputs: { x: { role: "mask", file: "/etc/secret.png" } } }, "inputs.x.file is"],
  [{ inputs: { x: { role: "mask", file: "a\\..\\b.png" } } }, "inputs.x.file is"],
  [{ inputs: { x: { role: "param", name: "a b" } } }, 'inputs.x.name is "a b"'],
  [{ run: { every: 0 } }, "run.every is 0"],
  [{ run: { evry: 2 } }, "run.evry is an unknown field; allowed: every, skip_unchanged"],
  [{ presets: { warm: { gain: null } } }, "presets.warm.gain is null"],
  [[], "(top level) is []"],
])("%j is refused: %s", (content, message) => {
  expect(() => parse(content)).toThrow(message);
});

test("invalid JSON is refused, and problems are listed by field", () => {
  expect(() => parseModelJson("{")).toThrow("model.json is not valid JSON");
  try {
    parse({ file: 1, fit: 2 });
    throw new Error("accepted");
  } catch (error) {
    expect(error).toBeInstanceOf(WorkerError);
    expect((error as WorkerError).details.map(({ field }) => field)).toEqual(["file", "fit"]);
  }
});

test("thousands of problems and names of any length are refused in a text that can be read", () => {
  const many = Object.fromEntries(Array.from({ length: 3000 }, (_, at) => [`field${at}`, at]));
  expect(() => parse(many)).toThrow(/field19 is an unknown field; .*; and 2980 more$/);
  try {
    parse({ inputs: { ["x".repeat(100_000)]: { role: "y".repeat(100_000) } }, ...many });
  } catch (error) {
    expect((error as Error).message.length).toBeLessThan(20_000);
  }
});
