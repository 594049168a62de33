/** What a diffusion pipeline cannot draw is refused before anything starts or changes, with the reason. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { OnnxWorkspace } from "../support/onnx-workspace.ts";
import { MAIN, type ServerProcess, startServer } from "../support/server-process.ts";
import { writePipeline } from "../support/synthetic-pipeline.ts";

let workspace: OnnxWorkspace;
let server: ServerProcess;
beforeAll(async () => {
  workspace = await OnnxWorkspace.create();
  await writePipeline(join(workspace.path, "models/drawn"));
  server = await startServer(MAIN, ["--workspace", workspace.path]);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await workspace[Symbol.asyncDispose]();
});

const api = async (method: "POST" | "DELETE", path: string, body: unknown = {}) => {
  const response = await fetch(server.url + path, {
    method,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  return { status: response.status, body: (await response.json()) as any };
};

const refused = (status: number, body: unknown) => {
  expect(status).toBe(400);
  const problem = expect.stringMatching(/^gives "a cat" the weight NaN: give a finite number/);
  expect(body).toMatchObject({ code: "invalid_request", details: [{ field: "prompts", problem }] });
};

test("a weight that is not finite is a 400, at the start of a stream, in a change, and for a picture", async () => {
  const prompts = [{ prompt: "(a cat:nan)" }];
  const size = { width: 64, height: 64 };
  const channel = `${server.url}/trickle/drawn`;
  const body = { ...size, model: "drawn", stream_url: channel, fps: 5 };
  const start = await api("POST", "/stream/start", { ...body, prompts });
  refused(start.status, start.body);

  const { status, body: started } = await api("POST", "/stream/start", {
    ...body,
    prompts: "a dog",
  });
  expect(status).toBe(200);
  const path = `/stream/${started.manifest_id}/params`;
  const change = await api("POST", path, { prompts });
  refused(change.status, change.body);
  const theirs = await api("POST", path, { prompts, rules: "diffusers" });
  expect(theirs.status).toBe(200);
  expect(theirs.body.warnings).toBeUndefined();
  const back = await api("POST", path, { rules: "ComfyUI" });
  refused(back.status, back.body);
  const long = await api("POST", path, { prompts: "cat ".repeat(80) });
  expect(long.body.warnings).toEqual([
    { field: "prompts", problem: expect.stringMatching(/^has 80 words/) },
  ]);
  await api("DELETE", `/stream/${started.manifest_id}`);

  const picture = await api("POST", "/c/comfystream-image", {
    ...size,
    model: "drawn",
    prompts,
  });
  refused(picture.status, picture.body);
});

test("a pipeline without its UNet is refused with what is missing, for a stream and for a picture, until it is there", async () => {
  const folder = join(workspace.path, "models/cut");
  await writePipeline(folder);
  await rename(join(folder, "unet"), join(workspace.path, "unet"));
  const body = { model: "cut", prompts: "a fox", width: 64, height: 64 };
  const problem = expect.stringMatching(/unet\/model\.onnx missing: export the pipeline/);
  const reason = { code: "invalid_request", details: [{ field: "model", problem }] };
  const channel = `${server.url}/trickle/cut`;
  const start = await api("POST", "/stream/start", { ...body, stream_url: channel });
  expect(start).toMatchObject({ status: 400, body: reason });
  const picture = await api("POST", "/c/comfystream-image", body);
  expect(picture).toMatchObject({ status: 400, body: reason });

  await rename(join(workspace.path, "unet"), join(folder, "unet"));
  await Bun.write(join(folder, "model.json"), "{}");
  const drawn = await api("POST", "/c/comfystream-image", { ...body, steps: 1 });
  expect(drawn.status).toBe(200);
  expect(drawn.body.ignored).toBeUndefined();
});
