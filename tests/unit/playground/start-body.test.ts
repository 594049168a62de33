import { describe, expect, test } from "bun:test";
import type { Model } from "../../../src/playground/api.ts";
import { commandsFor } from "../../../src/playground/commands.ts";
import { type Draft, FIRST_DRAFT } from "../../../src/playground/draft.ts";
import { changeBody, firstModel, startBody } from "../../../src/playground/start-body.ts";

const draft: Draft = { ...FIRST_DRAFT, prompt: "a sea", model: "dreamscape", values: { seed: 3 } };

const model = (name: string, takesVideo: boolean, state: Model["state"] = "ready"): Model => ({
  name,
  description: "",
  source: "built-in",
  state,
  license: "",
  takes_video: takesVideo,
  needs_video: takesVideo,
  takes_prompts: true,
  device: "cpu",
  params: [],
  presets: {},
  data: [],
});

test("a start contains everything in the form", () => {
  const body: object = startBody(draft, "http://h/trickle/out", null);
  expect(body).toEqual({
    prompts: [{ prompt: "a sea" }],
    model: "dreamscape",
    width: 512,
    height: 512,
    seed: 3,
    stream_url: "http://h/trickle/out",
  });
});

describe("a change", () => {
  test("contains only what differs", () => {
    expect(changeBody(draft, draft)).toEqual({});
    expect(changeBody(draft, { ...draft, prompt: "a hill" })).toEqual({
      prompts: [{ prompt: "a hill" }],
    });
    expect(changeBody(draft, { ...draft, size: "640 × 360" })).toEqual({ width: 640, height: 360 });
  });

  test("resets a parameter that the user reset, but not those of the previous model", () => {
    expect(changeBody(draft, { ...draft, values: {} })).toEqual({ seed: null });
    expect(changeBody(draft, { ...draft, model: "edges", values: { strength: 2 } })).toEqual({
      model: "edges",
      strength: 2,
    });
  });
});

test("the default model fits the source and has not failed", () => {
  const models = [model("identity", true), model("edges", true), model("test-card", false)];
  expect(firstModel(models, false)).toBe("test-card");
  expect(firstModel(models, true)).toBe("edges");
  expect(firstModel([...models, model("dreamscape", false, "failed")], false)).toBe("test-card");
  expect(firstModel([], false)).toBe("");
});

describe("curl lines", () => {
  const context = {
    origin: "http://box:5000",
    channels: "http://127.0.0.1:5000/trickle",
    draft: { ...draft, prompt: "it's $HOME `x`" },
    id: "7",
    streamUrl: "http://127.0.0.1:5000/trickle/out",
    inputUrl: "http://127.0.0.1:5000/trickle/in",
    withToken: true,
  };

  test("are quoted for the shell", async () => {
    const [change] = commandsFor(context);
    const script = `curl() { for word; do printf '%s\\0' "$word"; done; }\n${change?.line}`;
    const shell = Bun.spawn(["/bin/sh", "-c", script], { env: { API_TOKEN: "secret" } });
    const words = (await shell.stdout.text()).split("\0");
    expect(words[0]).toBe("http://box:5000/stream/7/params");
    expect(words).toContain("Authorization: Bearer secret");
    expect(JSON.parse(words[words.indexOf("-d") + 1] ?? "")).toMatchObject({
      prompts: [{ prompt: "it's $HOME `x`" }],
      seed: 3,
    });
  });

  test("name the stream's own channel to save from, and its input to start again", () => {
    const lines = new Map(commandsFor(context).map(({ name, line }) => [name, line]));
    expect(lines.get("Save the current segment")).toContain("http://box:5000/trickle/out/-2");
    expect(lines.get("Start another like it")).toContain(
      '"input_url":"http://127.0.0.1:5000/trickle/in"',
    );
    expect(lines.get("Stop it")).toContain("-X DELETE http://box:5000/stream/7");
  });
});
