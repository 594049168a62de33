import { expect, test } from "bun:test";
import {
  readReason,
  readSessionStart,
  readSessionUpdate,
} from "../../../../../../src/server/protocols/live-runner/app/session-start.ts";
import { refusalOf } from "./refusal-of.ts";

const drawn = { prompts: [{ prompt: "a cat", negative_prompt: "rain" }] };
const update = (body: unknown) => readSessionUpdate(body, drawn);

test("an empty body starts a session with the defaults of everything", () => {
  expect(readSessionStart({})).toEqual({
    fields: {},
    ignored: [],
    preset: null,
    mode: null,
    radius: null,
    metadata: {},
    maxStartupMs: null,
    idleTimeoutMs: null,
    channels: { events: false, data: false, control: false },
  });
});

test("start fields stand at top level or in params, and top level wins", () => {
  const { fields } = readSessionStart({
    params: { prompt: "a cat", fps: 12, width: 640, height: 360 },
    fps: 24,
  });
  expect(fields).toEqual({ prompt: "a cat", fps: 24, width: 640, height: 360 });
  expect(readSessionStart({ params: '{"fps": 12}' }).fields).toEqual({ fps: 12 });
  expect(refusalOf(() => readSessionStart({ params: 5 }))).toMatchObject({
    code: "invalid_param",
    field: "params",
  });
});

test("the fields of a stream pass to it as they are, the model's own among them", () => {
  const given = {
    prompts: ["a cat", { prompt: "snow", weight: 2 }],
    model: "edges",
    preset: "bold",
    width: 640,
    height: 360,
    fps: 24,
    fit: "contain",
    bitrate: 1_000_000,
    marker: "time",
    seed: 7,
    strength: 0.5,
    steps: 2,
    guidance: 1.5,
    style: "candy",
    segment_seconds: 0.25,
  };
  expect(readSessionStart(given)).toMatchObject({ fields: given, ignored: [], preset: "bold" });
});

test.each([
  [{ mode: "echo" }, { model: "identity" }, []],
  [{ mode: "edges", radius: 9 }, { model: "edges", radius: 9 }, []],
  [{ mode: "edges", model: "thermal" }, { model: "thermal" }, ["mode"]],
])("the mode %j chooses the model", (body, fields, ignored) => {
  expect(readSessionStart(body)).toMatchObject({
    fields,
    ignored,
    radius: "radius" in body ? 9 : null,
    mode: "model" in body ? null : body.mode,
  });
});

test.each([
  [true, "auto"],
  [false, "none"],
  ["opus", "opus"],
  ["copy", "copy"],
] as const)("audio %j is %s", (audio, mode) => {
  expect(readSessionStart({ audio }).fields).toEqual({ audio: mode });
});

test("a negative prompt goes to every text that has none of its own", () => {
  const prompts = ["a cat", { prompt: "snow", negative_prompt: "fog" }];
  expect(readSessionStart({ prompts, negative_prompt: "rain" }).fields).toEqual({
    prompts: [
      { prompt: "a cat", negative_prompt: "rain" },
      { prompt: "snow", negative_prompt: "fog" },
    ],
  });
  const graph = { "1": { class_type: "LoadImage", inputs: {} } };
  for (const body of [{ negative_prompt: "rain" }, { prompt: graph, negative_prompt: "rain" }]) {
    expect(readSessionStart(body).ignored).toEqual(["negative_prompt"]);
  }
});

test("a negative prompt alone changes the prompts that the session draws by", () => {
  expect(update({ negative_prompt: "snow" }).fields).toEqual({
    prompts: [{ prompt: "a cat", negative_prompt: "snow" }],
  });
  expect(update({ negative_prompt: null }).fields).toEqual({ prompts: [{ prompt: "a cat" }] });
  expect(update({ fps: 12 }).fields).toEqual({ fps: 12 });
});

test("limits are given in seconds, and channels by their names", () => {
  const body = { max_startup_s: 0.5, idle_timeout_s: 86_400, events: true, data: false };
  expect(readSessionStart(body)).toMatchObject({
    maxStartupMs: 500,
    idleTimeoutMs: 86_400_000,
    fields: {},
    channels: { events: true, data: false, control: false },
  });
});

test("metadata keeps its members as they are", () => {
  const metadata = {
    room_id: "room:1",
    venue_id: "v.2",
    customer_id: "c@3",
    booking_id: "b-4_5",
    environment: "pilot",
    lyrics_overlay: true,
    expected_duration_s: 90.5,
  };
  expect(readSessionStart({ metadata }).metadata).toEqual(metadata as never);
  expect(readSessionStart({ params: { metadata } }).metadata).toEqual(metadata as never);
});

test.each([
  [{ room_id: "a b" }, "metadata.room_id"],
  [{ venue_id: "" }, "metadata.venue_id"],
  [{ customer_id: "x".repeat(129) }, "metadata.customer_id"],
  [{ booking_id: 5 }, "metadata.booking_id"],
  [{ environment: "staging" }, "metadata.environment"],
  [{ lyrics_overlay: "yes" }, "metadata.lyrics_overlay"],
  [{ expected_duration_s: 0 }, "metadata.expected_duration_s"],
  [{ colour: "red" }, "metadata.colour"],
  ["room 1", "metadata"],
])("the metadata %j is refused", (metadata, field) => {
  const refusal = refusalOf(() => readSessionStart({ metadata }));
  expect(refusal).toMatchObject({ code: "invalid_metadata", status: 400, field });
  expect(refusal.message).toStartWith(`${field} `);
});

test.each([
  ["prompt", "x".repeat(10_001)],
  ["negative_prompt", "x".repeat(10_001)],
  ["preset", 5],
  ["model", ""],
  ["width", 63],
  ["fps", 0],
  ["fit", "zoom"],
  ["mode", 3],
  ["radius", "wide"],
  ["audio", "mp3"],
  ["segment_seconds", 0.1],
  ["segment_seconds", 10.5],
  ["max_startup_s", 0],
  ["idle_timeout_s", 0],
  ["idle_timeout_s", 86_401],
  ["events", "yes"],
  ["data", 1],
  ["control", "on"],
])("%s %j is refused by name", (field, value) => {
  const refusal = refusalOf(() => readSessionStart({ [field]: value }));
  expect(refusal).toMatchObject({ code: "invalid_param", status: 400, field });
  expect(refusal.message).toContain(field);
});

test.each([[[]], ["start"], [5]])("the body %j is not an object", (body) => {
  for (const read of [readSessionStart, update, readReason])
    expect(refusalOf(() => read(body))).toMatchObject({ code: "invalid_body", field: null });
});

test("channels and states of other protocols are left out and named", () => {
  const foreign = {
    stream_url: "http://evil/",
    input_url: "http://evil/",
    container: "fmp4",
    data_format: "lists",
    paused: true,
  };
  expect(readSessionStart({ ...foreign, fps: 12 })).toMatchObject({
    fields: { fps: 12 },
    ignored: Object.keys(foreign),
  });
  expect(update(foreign)).toMatchObject({ fields: {}, ignored: Object.keys(foreign) });
});

test("an update leaves out and names what is fixed at the start", () => {
  const fixed = {
    audio: true,
    segment_seconds: 1,
    metadata: {},
    max_startup_s: 5,
    idle_timeout_s: 60,
    events: true,
    data: true,
    control: true,
  };
  expect(update({ ...fixed, mode: "echo" })).toEqual({
    fields: { model: "identity" },
    ignored: Object.keys(fixed),
    mode: "echo",
  });
});

test("an update says what it changes of the preset, the mode and the radius", () => {
  expect(update({ fps: 12 })).toEqual({ fields: { fps: 12 }, ignored: [] });
  expect(update({ preset: "bold", radius: 5 })).toMatchObject({ preset: "bold", radius: 5 });
  expect(update({ model: "edges" })).toMatchObject({ mode: null });
  expect(update({ preset: null })).toMatchObject({ preset: null });
});

test("a pause, a resume and a stop take a reason and nothing else", () => {
  expect(readReason({})).toBe("operator");
  expect(readReason({ reason: "the show is over" })).toBe("the show is over");
  for (const reason of ["", "x".repeat(201), 5]) {
    const refusal = refusalOf(() => readReason({ reason }));
    expect(refusal).toMatchObject({ code: "invalid_param", field: "reason" });
  }
  const refusal = refusalOf(() => readReason({ reason: "x", prompt: "a cat" }));
  expect(refusal).toMatchObject({ code: "unsupported_param", field: "prompt" });
});
