/** Tests the request bodies that the playground makes of its form, and the form that it makes of a stream. */
import { describe, expect, test } from "bun:test";
import type { Stream } from "../../../src/playground/api.ts";
import { type Draft, FIRST_DRAFT, withPreset, withValue } from "../../../src/playground/draft.ts";
import { promptsOf, withAnother, withPatch } from "../../../src/playground/prompts.ts";
import { changeBody, formOf, sendable, startBody } from "../../../src/playground/start-body.ts";
import { MODEL_GALLERY } from "../../support/model-gallery.ts";

const draft: Draft = {
  ...FIRST_DRAFT,
  prompts: promptsOf("a sea"),
  model: "dreamscape",
  values: { seed: 3 },
};
const named = (model: string) => MODEL_GALLERY.find(({ name }) => name === model) ?? null;
const night = { name: "Night", values: { strength: 0.5, style: [0, 0, 0, 0, 1, 0] } };
const SHORTENED = "data:image/jpeg;base64,… (120 kB)";

describe("a start", () => {
  const bodyOf = (patch: Partial<Draft>): Record<string, unknown> => {
    const asked = { ...draft, ...patch };
    return startBody(asked, named(asked.model), "http://h/trickle/out", null);
  };

  test("contains everything in the form", () => {
    expect(bodyOf({})).toEqual({
      prompts: [{ prompt: "a sea" }],
      model: "dreamscape",
      width: 512,
      height: 512,
      seed: 3,
      stream_url: "http://h/trickle/out",
    });
  });

  test("has no prompt for a model that takes none", () => {
    expect(bodyOf({ model: "painter" })).not.toContainKey("prompts");
  });

  test("names the entries of a vector, and lists the numbers of one without names", () => {
    const body = bodyOf({ model: "mixer", values: { gain: [0, -0.5, 2], offset: [0, 0, 1] } });
    expect(body).toMatchObject({ gain: { green: -0.5, blue: 2 }, offset: [0, 0, 1] });
  });

  test("names the preset, and of its values those that were changed since", () => {
    const painter = { ...draft, model: "painter", values: {} };
    const chosen = { ...painter, ...withPreset(painter, night) };
    const body = bodyOf({ ...chosen, ...withValue(chosen, "strength", 0.9) });
    expect(body).toMatchObject({ preset: "Night", strength: 0.9 });
    expect(body).not.toContainKey("style");
  });

  test("sends a whole picture, and never the shortened text that a server shows for one", () => {
    const whole = "data:image/png;base64,AAAA";
    expect(bodyOf({ model: "copyist", values: { style_picture: whole } })).toMatchObject({
      style_picture: whole,
    });
    const values = { style_picture: SHORTENED, strength: 0.5 };
    expect(bodyOf({ model: "copyist", values })).not.toContainKey("style_picture");
    expect(sendable(values)).toEqual({ strength: 0.5 });
  });
});

describe("a change", () => {
  const change = (before: Draft, after: Draft) => changeBody(before, after, named(after.model));
  const painter: Draft = { ...draft, model: "painter", values: { style: [1, 0, 0, 0, 0, 1] } };

  test("contains only what differs", () => {
    expect(change(draft, draft)).toEqual({});
    expect(change(draft, { ...draft, prompts: promptsOf("a hill") })).toEqual({
      prompts: [{ prompt: "a hill" }],
    });
    expect(change(draft, { ...draft, size: "640 × 360" })).toEqual({ width: 640, height: 360 });
    const same = { ...painter, values: { style: [1, 0, 0, 0, 0, 1], keep_colours: true } };
    expect(change(painter, same)).toEqual({ keep_colours: true });
    expect(change(painter, { ...painter, values: { style: [0, 0.5, 0, 0, 0, 0] } })).toEqual({
      style: { candy: 0.5 },
    });
  });

  test("resets a parameter that the user reset, but not those of the previous model", () => {
    expect(change(draft, { ...draft, values: {} })).toEqual({ seed: null });
    expect(change(draft, { ...draft, model: "edges", values: { strength: 2 } })).toEqual({
      model: "edges",
      strength: 2,
    });
  });

  test("sends all texts with their weights when one changes, and nothing for a text that is still empty", () => {
    const two = withPatch(withAnother(draft.prompts), 1, { text: " oil ", weight: 0.5 });
    expect(change(draft, { ...draft, prompts: withAnother(draft.prompts) })).toEqual({});
    expect(change(draft, { ...draft, prompts: two })).toEqual({
      prompts: [{ prompt: "a sea" }, { prompt: "oil", weight: 0.5 }],
    });
    expect(change({ ...draft, prompts: two }, draft)).toEqual({ prompts: [{ prompt: "a sea" }] });
  });

  test("brings the prompt to a model that takes prompts", () => {
    expect(change(painter, { ...draft, model: "describer", values: {} })).toEqual({
      model: "describer",
      prompts: [{ prompt: "a sea" }],
    });
  });

  test("sends a graph in place of prompts, and only one that can be read", () => {
    const graph = '{"1": {"class_type": "EmptyImage"}}';
    const comfy: Draft = { ...draft, model: "comfyui", values: {}, graph };
    expect(change(draft, comfy)).toEqual({ model: "comfyui", prompts: [{ graph }] });
    // The stream stays with its model until there is a graph, but not with its size.
    expect(change(draft, { ...comfy, graph: "{" })).toEqual({});
    expect(change(comfy, { ...comfy, graph: "{", size: "640 × 360" })).toEqual({
      width: 640,
      height: 360,
    });
    expect(change(comfy, { ...draft, model: "describer", values: {} })).toEqual({
      model: "describer",
      prompts: [{ prompt: "a sea" }],
    });
  });

  test("asks for the camera's own markers, and for those of the engine with any other video", () => {
    const measured: Draft = { ...draft, measured: true };
    expect(change(draft, measured)).toEqual({ marker: "time" });
    const camera: Draft = { ...draft, source: "camera" };
    expect(change(camera, { ...camera, measured: true })).toEqual({ marker: "input" });
    expect(change(measured, draft)).toEqual({ marker: null });
  });

  test("names a preset once, also one that is chosen again", () => {
    const chosen = { ...painter, ...withPreset(painter, night) };
    expect(change(painter, chosen)).toEqual({ preset: "Night" });
    const moved = { ...chosen, ...withValue(chosen, "strength", 0.9) };
    expect(change(chosen, moved)).toEqual({ strength: 0.9 });
    const again = { ...moved, ...withPreset(moved, { ...night }) };
    expect(change(moved, again)).toEqual({ preset: "Night" });
  });

  test("after a reset a later start does not name the preset that would undo it", () => {
    const chosen = { ...painter, ...withPreset(painter, night) };
    const reset = { ...chosen, ...withValue(chosen, "strength", null) };
    expect(change(chosen, reset)).toEqual({ strength: null });
    expect(startBody(reset, named("painter"), "http://h/out", null)).not.toContainKey("preset");
  });

  test("clears a picture, and does not send back what the server shows of one", () => {
    const before: Draft = { ...draft, model: "copyist", values: { style_picture: SHORTENED } };
    expect(change({ ...before, values: {} }, before)).toEqual({});
    expect(change(before, { ...before, values: {} })).toEqual({ style_picture: null });
  });
});

test("the form of a stream with a graph holds its text, and keeps the prompts for the next model", () => {
  const graph = { "1": { class_type: "EmptyImage", inputs: {} } };
  const stream: Pick<Stream, "metadata" | "params"> = {
    metadata: { width: 512, height: 512, prompts: [graph] },
    params: { model: "comfyui", fit: "cover", paused: false },
  };
  const form = formOf(stream, MODEL_GALLERY);
  expect(form).not.toContainKey("prompts");
  expect(JSON.parse("graph" in form ? form.graph : "")).toEqual(graph);
});

test("the form of a running stream holds its values, by the type of each parameter", () => {
  const values = { style: [0, 1, 0, 0, 0, 0], strength: 0.2, keep_colours: true, reset: 2 };
  const stream = (params: object) =>
    ({ metadata: { width: 512, height: 512 }, params: { model: "painter", ...params } }) as Stream;
  expect(formOf(stream(values), MODEL_GALLERY).values).toEqual(values);
  expect(formOf(stream({}), MODEL_GALLERY)).not.toContainKey("prompts");
  expect(formOf(stream({ marker: "input" }), MODEL_GALLERY).measured).toBe(true);
  expect(formOf(stream({}), MODEL_GALLERY).measured).toBe(false);
  const foreign = { style: [1, 2], strength: "high", keep_colours: 1, unknown: 3, fit: "cover" };
  expect(formOf(stream(foreign), MODEL_GALLERY).values).toEqual({});
});
