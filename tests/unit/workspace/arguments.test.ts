/** How the arguments of `models …` are read. */
import { expect, test } from "bun:test";
import { readArguments } from "../../../src/workspace/arguments.ts";

const SYNTAX = {
  argument: "<name>",
  flags: {
    name: { value: "NAME", description: "" },
    json: { value: null, description: "" },
  },
};
const read = (...args: string[]) => readArguments(args, SYNTAX);
const problems = (...args: string[]): string => {
  try {
    read(...args);
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
  return "none";
};

test("flags may precede and follow the argument, with a space or an equals sign", () => {
  for (const args of [
    ["my model.onnx", "--name", "a", "--json"],
    ["--json", "--name=a", "my model.onnx"],
    ["--name", "a", "--json", "--", "my model.onnx"],
  ]) {
    const { argument, flags } = read(...args);
    expect([argument, flags.get("name"), flags.get("json")]).toEqual(["my model.onnx", "a", ""]);
  }
});

test("what follows -- is an argument, also if it begins with a dash", () => {
  expect(read("--", "--odd").argument).toBe("--odd");
});

test("the program's flags and unknown ones are passed on with their values", () => {
  expect(read("a", "--workspace", "my folder", "--port=1", "--dance").others).toEqual([
    "--workspace",
    "my folder",
    "--port=1",
    "--dance",
  ]);
});

test("each thing that is missing or superfluous is named", () => {
  expect(problems()).toBe("<name> is missing");
  expect(problems("a", "b")).toContain('unexpected argument "b"; put quotes around');
  expect(problems("a", "--name")).toBe("--name needs a value");
  expect(problems("a", "--name", "--json")).toBe("--name needs a value");
  expect(problems("a", "--json=1", "--name=")).toBe("--json takes no value\n--name needs a value");
  expect(() => readArguments(["x"], { argument: null, flags: {} })).toThrow(
    'unexpected argument "x"',
  );
});
