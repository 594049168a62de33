import { expect, test } from "bun:test";
import { WorkerError } from "../../../../../src/errors.ts";
import { byocProtocol } from "../../../../../src/server/protocols/byoc/byoc-protocol.ts";
import { seedProtocol } from "../../../../../src/server/protocols/seed/seed-protocol.ts";
import { selectProtocol } from "../../../../../src/server/protocols/select-protocol.ts";

const byoc = byocProtocol();
const URLS = {
  subscribe_url: "https://orch/ai/trickle/s",
  publish_url: "https://orch/ai/trickle/s-out",
  control_url: "https://orch/ai/trickle/s-control",
  events_url: "https://orch/ai/trickle/s-events",
  data_url: "https://orch/ai/trickle/s-data",
};
const rules = (suffix: string) => ({ mode: "orchestrator", streamId: "s", suffix });

const fieldsOf = (body: object, streamId: string | null = "s"): string[] => {
  try {
    byoc.readStart(body, streamId);
  } catch (error) {
    if (error instanceof WorkerError) return error.details.map(({ field }) => field);
    throw error;
  }
  throw new Error("it was not refused");
};

test("each channel has its field, and must carry the stream's id with its suffix", () => {
  expect(byoc.readStart(URLS, "s")).toEqual({
    id: "s",
    input: { field: "subscribe_url", url: URLS.subscribe_url, rules: rules("") },
    output: { field: "publish_url", url: URLS.publish_url, rules: rules("-out") },
    sideChannels: {
      control: { field: "control_url", url: URLS.control_url, rules: rules("-control") },
      events: { field: "events_url", url: URLS.events_url, rules: rules("-events") },
      data: { field: "data_url", url: URLS.data_url, rules: rules("-data") },
    },
    fields: {},
  } as ReturnType<typeof byoc.readStart>);
});

test("channels that are absent, null or empty are left out", () => {
  const body = { gateway_request_id: "s", subscribe_url: "", publish_url: null };
  expect(byoc.readStart(body, null)).toMatchObject({
    input: null,
    output: null,
    sideChannels: { control: null, events: null, data: null },
  });
});

test("X-Stream-Id wins over the body's id; any 1 to 256 characters are an id", () => {
  expect(byoc.readStart({ gateway_request_id: "b" }, "h").id).toBe("h");
  for (const id of ["status", "start", "../x", "é", "x".repeat(256)])
    expect(byoc.readStart({ gateway_request_id: id }, null).id).toBe(id);
  expect(fieldsOf({ gateway_request_id: "x".repeat(257) }, null)).toEqual(["gateway_request_id"]);
  expect(fieldsOf({}, null)).toEqual(["gateway_request_id"]);
  expect(fieldsOf({}, "")).toEqual(["gateway_request_id"]);
});

test("parameters come in params, in pytrickle's forms, and within a gateway's limits", () => {
  const params =
    '{"width": "640", "height": 360.9, "max_framerate": "24", "data_format": "arrays"}';
  expect(byoc.readStart({ ...URLS, params }, "s").fields).toEqual({
    width: 640,
    height: 360,
    max_framerate: 24,
    data_format: "arrays",
  });
  expect(byoc.readUpdate({ max_framerate: "24" })).toEqual({ max_framerate: 24 });
  expect(fieldsOf({ ...URLS, params: { segment_seconds: 11 } })).toEqual(["segment_seconds"]);
  expect(fieldsOf({ ...URLS, params: 5 })).toEqual(["params"]);
  expect(fieldsOf({ ...URLS, data_url: 5 })).toEqual(["data_url"]);
});

test("without a size the output has the input's; the container is MPEG-TS", () => {
  expect(byoc.defaults("input")).toMatchObject({
    params: { model: "restyle" },
    container: "mpegts",
  });
  expect(byoc.defaults("input").params.size).toBeUndefined();
  expect(byoc.defaults("clock").params).toMatchObject({ model: "dreamscape", fps: 24 });
});

test("no channel is shown, as each is a credential", () => {
  expect(byoc.shownChannels(byoc.readStart(URLS, "s"))).toEqual({
    stream_url: null,
    input_url: null,
  });
});

test("a member that only orchestrators send selects this protocol", () => {
  const protocols = { seed: seedProtocol, byoc };
  for (const key of ["gateway_request_id", ...Object.keys(URLS)])
    expect(selectProtocol({ [key]: "x" }, protocols)).toBe(byoc);
  for (const body of [{}, { prompts: "x", stream_url: "x" }, null, "text", []])
    expect(selectProtocol(body, protocols)).toBe(seedProtocol);
});
