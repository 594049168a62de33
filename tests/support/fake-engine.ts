/**
 * A process that speaks the engine's side of the protocol and fails on demand, in ways that the real one does not. `FAKE_ENGINE`
 * in its environment sets how it boots, the last part of a stream's output path how the channel answers. The first prompt of
 * a start, an update or a picture is a command.
 */
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CallJournal } from "../../src/engine/protocol/call-journal.ts";
import type { FromEngine, ToEngine, WorkReport } from "../../src/engine/protocol/messages.ts";
import type { ModelInfo } from "../../src/engine/protocol/models.ts";
import { updatedBy } from "../../src/engine/protocol/params-update.ts";
import type { StreamStats } from "../../src/engine/protocol/stats.ts";
import type { ImageJob, StreamParams } from "../../src/engine/protocol/work.ts";
import type { PlainError } from "../../src/errors.ts";
import { MADE_UP_DATA, MODEL_GALLERY } from "./model-gallery.ts";

const mode = Bun.env["FAKE_ENGINE"] ?? "";
const none = { p50: null, p95: null, p99: null };
/** The parameters of streams, by number. */
const paramsOf = new Map<number, StreamParams>();
/** The ids of the work that has not ended, by number. */
const live = new Map<number, string>();
const journal = new CallJournal(Bun.mmap("/proc/self/fd/3", { shared: true }));
/** Pictures that the last update did not send again. */
let lastKept: readonly string[] = [];
let stopsAnswered = true;
/** Pictures in progress, and the number of pictures started. */
const making = new Set<number>();
let made = 0;

const say = (message: FromEngine) => process.send?.(message);
const report = (number: number, its: WorkReport) => say({ type: "report", number, report: its });

const model = (name: string, params: ModelInfo["params"] = []): ModelInfo => ({
  name,
  description: "made up",
  license: "",
  needs_video: name !== "dreamscape",
  presets: {},
  data: [],
  source: "built-in",
  state: "ready",
  takes_video: name !== "dreamscape",
  takes_prompts: true,
  device: "cpu",
  execution_provider: "cpu",
  params,
});

const strength = {
  type: "number",
  name: "strength",
  default: 1,
  min: 0,
  max: 2,
  integer: false,
  description: "",
} as const;

/** Has a parameter of every type, and data outputs; draws without video, and no prompt changes it. */
const painter: ModelInfo = {
  ...model("painter", [
    strength,
    { type: "switch", name: "outline", description: "", default: false },
    { type: "trigger", name: "reset", description: "", default: 0 },
    {
      type: "vector",
      name: "style",
      description: "",
      default: [1, 0],
      min: 0,
      max: 1,
      entries: ["candy", "mosaic"],
      blend: true,
    },
    { type: "picture", name: "image", description: "" },
  ]),
  license: "Apache-2.0",
  takes_video: false,
  needs_video: false,
  takes_prompts: false,
  presets: { bold: { strength: 2, style: [0, 1] } },
  data: ["received"],
  load_estimate_ms: 1500,
};

let models =
  mode === "gallery"
    ? MODEL_GALLERY
    : [
        model("restyle"),
        model("dreamscape"),
        model("comfyui"),
        model("edges", [strength]),
        painter,
      ];

/** Never gets ready. */
const slow: ModelInfo = { ...model("slow"), state: "cold", load_estimate_ms: 60_000 };
if (mode === "loads for a minute") models = [...models, slow];

if (mode === "dies") process.exit(3);
if (mode === "stuck") while (true);
process.on("disconnect", () => process.exit(0));
process.on("message", receive);
say({ type: "hello" });

/** `room for one in FOLDER`: an engine is unfit while another one lives; files in FOLDER name those that live. */
function hasNoRoom(): boolean {
  const [, folder] = /^room for one in (.+)$/.exec(mode) ?? [];
  if (folder === undefined) return false;
  if (readdirSync(folder).some((pid) => existsSync(`/proc/${pid}`))) return true;
  writeFileSync(join(folder, String(process.pid)), "");
  return false;
}

function receive(message: ToEngine): void {
  switch (message.type) {
    case "init": {
      const { device } = message.options;
      if (device !== "cpu" && mode !== "any device") {
        const error = { kind: "device_unavailable", message: `${device} is not there` } as const;
        say({ type: "unfit", error });
      } else if (hasNoRoom()) {
        const error = { kind: "device_unavailable", message: "out of memory" } as const;
        say({ type: "unfit", error });
      } else if (mode === "stuck in probe") {
        journal.begin(0, "probe", 100);
      } else if (mode !== "never-ready") {
        const isCold = mode === "warms-late" || mode === "dies-on-start";
        const listed = isCold ? [{ ...model("slow"), state: "cold" as const }] : models;
        say({ type: "ready", models: listed, codecs: ["h264"] });
      }
      return;
    }
    case "start": {
      if (mode === "dies-on-start") process.exit(3);
      const { id, number, order } = message;
      if (order.kind === "image") {
        make(message, order.job);
        return;
      }
      const { spec, params, resume } = order;
      const channel = spec.output?.endpoint.url.split("/").at(-1);
      if (channel === "refuse") {
        const problem = "answered 404";
        const error = {
          kind: "channel_refused",
          message: `output: ${problem}`,
          details: [{ field: "output", problem }],
        } as const;
        report(number, { type: "ended", id, error });
        return;
      }
      if (mode === "warms-late") {
        say({ type: "model", model: { ...model(id), state: "warming" } });
        report(number, { type: "ended", id });
        say({ type: "model", model: model(id) });
        return;
      }
      // Work that was given up under this id ends only now.
      for (const [other, its] of live) if (its === id) report(other, { type: "ended", id });
      live.set(number, id);
      paramsOf.set(number, params);
      if (params.model === "slow") say({ type: "model", model: { ...slow, state: "warming" } });
      if (channel === "silent" || params.prompts[0]?.prompt === "load for ever") return;
      report(number, { type: "started", id });
      const seq = resume === undefined ? 0 : resume.seq + 1;
      const size = params.size ?? { width: 640, height: 360 };
      report(number, { type: "checkpoint", id, checkpoint: { seq, pts: 0, size } });
      report(number, { type: "stats", id, stats: stats(params.model) });
      if (params.model === "painter") tell(number, params.model_params);
      if (params.model === "watcher") watch(number);
      obey(number, params.prompts[0]?.prompt);
      return;
    }
    case "update": {
      const { number } = message;
      const id = live.get(number) ?? "";
      const params = updatedBy(message, paramsOf.get(number) ?? message.params);
      paramsOf.set(number, params);
      lastKept = message.kept;
      report(number, { type: "updated", id, revision: message.revision });
      report(number, { type: "stats", id, stats: stats(params.model) });
      if (params.model === "painter") tell(number, params.model_params);
      obey(number, params.prompts[0]?.prompt);
      return;
    }
    case "stop": {
      const { number } = message;
      const id = live.get(number) ?? "";
      making.delete(number);
      if (stopsAnswered && live.delete(number)) report(number, { type: "ended", id });
      return;
    }
    case "models":
      // One model more than at the start, as if a folder had been added.
      say({ type: "models", number: message.number, models: [...models, model("late")] });
      return;
    case "ask": {
      const { number, question } = message;
      const isWrong =
        question.kind === "graphs" && question.graphs.some((one) => one.includes('"X"'));
      const problem = "names the class X";
      const error: PlainError = {
        kind: "invalid_request",
        message: `prompts: ${problem}`,
        details: [{ field: "prompts", problem }],
      };
      const broken: PlainError = { kind: "model_failed", message: "made up" };
      const isBroken =
        question.kind === "model" &&
        models.some(({ name, state }) => name === question.model && state === "failed");
      const fault = isBroken ? broken : isWrong ? error : null;
      say({ type: "answer", number, value: [], ...(fault && { error: fault }) });
      return;
    }
    case "ping": {
      const census = { streams: live.size, frames: 0, requests: 0 };
      say({ type: "pong", live: census });
      return;
    }
    case "shutdown":
      process.exit(0);
  }
}

function obey(number: number, command: string | undefined): void {
  const id = live.get(number) ?? "";
  if (command === "exit quietly") process.exit(7);
  // All work is in the middle of a call when it happens.
  if (command === "exit amid others") for (const other of live.keys()) begin(other, "encode");
  if (command === "exit" || command === "exit amid others") die(number);
  if (command === "exit after two segments") {
    const size = { width: 64, height: 64 };
    for (const seq of [1, 2])
      report(number, { type: "checkpoint", id, checkpoint: { seq, pts: 0, size } });
    setTimeout(() => die(number), 50);
  }
  if (command === "segv") {
    begin(number, "decode");
    process.kill(process.pid, "SIGSEGV");
  }
  if (command === "hang") while (true);
  if (command === "hang in a thread") journal.begin(number, "run", 200);
  const [, changed, state] = /^model (\S+) (ready|failed)$/.exec(command ?? "") ?? [];
  if (state === "ready" || state === "failed")
    models = models.map((one) => (one.name === changed ? { ...one, state } : one));
  if (command === "ignore stops") stopsAnswered = false;
  if (command === "show live") report(number, { type: "showing", id, output: "live" });
  if (command === "show fallback")
    report(number, { type: "showing", id, output: "fallback", reason: "model_failed" });
  const [, said] = /^say (.+)$/s.exec(command ?? "") ?? [];
  if (said !== undefined) sayAll(JSON.parse(said), number);
  if (command === "on") report(number, { type: "recovered", id });
  if (command === "trouble")
    report(number, { type: "trouble", id, error: { kind: "model_failed", message: "made up" } });
  if (command === "data as fast as it can") {
    for (let n = 0; n < 1000; n++)
      report(number, { type: "data", id, seconds: n, model: "painter", values: { n: [n] } });
  }
  if (command === "too much data") {
    const values = { n: Array.from({ length: 40_000 }, (_, n) => n) };
    report(number, { type: "data", id, seconds: 0, model: "painter", values });
  }
  if (command === "input ends") report(number, { type: "finished", id });
  if ((command === "input ends" || command === "both end") && live.delete(number))
    report(number, { type: "ended", id });
  if (command === "bad media" && live.delete(number)) {
    const error = { kind: "unsupported_media", message: "made up" } as const;
    report(number, { type: "ended", id, error });
  }
  if (command === "lose output") {
    live.delete(number);
    report(number, {
      type: "ended",
      id,
      error: { kind: "output_lost", message: "the channel is gone" },
    });
  }
}

/** Sends messages of any kind; those that name the stream "x" are about the stream of this number. */
function sayAll(messages: readonly unknown[], number: number): void {
  const id = live.get(number) ?? "";
  for (const message of messages) {
    const about = JSON.stringify(message).replaceAll('"id":"x"', `"id":${JSON.stringify(id)}`);
    const own: unknown = JSON.parse(about);
    const isReport = typeof own === "object" && own !== null && "report" in own;
    process.send?.(isReport ? { ...own, number } : own);
  }
}

/** Reports made-up data until the stream ends, as a model does for every frame. */
function watch(number: number, frame = 0): void {
  const id = live.get(number);
  if (id === undefined) return;
  report(number, { type: "data", id, seconds: frame / 24, model: "watcher", values: MADE_UP_DATA });
  setTimeout(() => watch(number, frame + 1), 1000 / 24);
}

/** Reports as data which parameters have come. */
function tell(number: number, params: StreamParams["model_params"]): void {
  const id = live.get(number) ?? "";
  const values = { received: briefly(params), kept: { names: lastKept } };
  report(number, { type: "data", id, seconds: 1, model: "painter", values });
}

/** The parameters of a model, of a text its length. */
const briefly = (params: StreamParams["model_params"]): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(params).map(([name, value]) => [
      name,
      typeof value === "string" ? value.length : value,
    ]),
  );

function begin(number: number, kind: "decode" | "encode" | "run"): void {
  journal.begin(number, kind, 60_000);
}

function die(number: number): void {
  begin(number, "run");
  process.exit(7);
}

/** Commands: `hold` never ends; `exit unless FILE` creates FILE and exits the first time. */
function make({ id, number }: Extract<ToEngine, { type: "start" }>, image: ImageJob): void {
  const command = image.params.prompts[0]?.prompt ?? "";
  live.set(number, id);
  if (command === "exit") die(number);
  const [, file] = /^exit unless (.+)$/.exec(command) ?? [];
  if (file !== undefined && !existsSync(file)) {
    writeFileSync(file, String(process.pid));
    die(number);
  }
  making.add(number);
  const alone = making.size === 1;
  const nth = ++made;
  if (command === "hold") return;
  setTimeout(() => {
    making.delete(number);
    live.delete(number);
    const size = image.params.size ?? { width: 64, height: 64 };
    const received = briefly(image.params.model_params);
    const hasFile = image.file !== undefined;
    const png = Buffer.from(JSON.stringify({ pid: process.pid, nth, alone, received, hasFile }));
    const result = {
      pictures: [{ png, ...size }],
      texts: {},
      warnings: [],
      execution_provider: "cpu",
      timings_ms: {},
    };
    report(number, { type: "made", id, result });
    report(number, { type: "ended", id });
  }, 5);
}

function stats(name: string): StreamStats {
  return {
    fps_in: 30,
    fps_out: 30,
    audio_fps_in: 47,
    audio_fps_out: 50,
    frames_in: 10,
    frames_out: 10,
    frames_dropped: 0,
    frames_processed: 9,
    frames_fallback: 1,
    errors: 0,
    consecutive_errors: 0,
    megapixels_out: 0.5,
    segments_out: 1,
    segments_skipped: 0,
    bytes_in: 2000,
    bytes_out: 1000,
    latency_ms: none,
    latency_counts: [],
    inference_ms: none,
    model: name,
    device: "cpu",
    execution_provider: "cpu",
  };
}
