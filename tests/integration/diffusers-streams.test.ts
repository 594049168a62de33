/** Parameters of a stream give the pictures that diffusers' pipelines drew with the same arguments. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { PictureConverter } from "../../src/engine/codec/picture-converter.ts";
import type { ModelHost } from "../../src/engine/device/model-host.ts";
import { CONTROL_SUFFIXES } from "../../src/engine/diffusion/pipeline-abilities.ts";
import { CONTROL_NETS } from "../../src/engine/diffusion/pipeline-folder.ts";
import { PlanExecutor } from "../../src/engine/plan/executor.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { ParamValue } from "../../src/engine/protocol/models.ts";
import { readParam } from "../../src/engine/protocol/param-value.ts";
import { pictureUri } from "../../src/engine/protocol/picture-uri.ts";
import type { StreamParams } from "../../src/engine/protocol/work.ts";
import { ticks } from "../../src/media/time.ts";
import { type DiffusersCase, listed } from "../support/diffusers-cases.ts";
import { goldenSet } from "../support/golden.ts";
import { pictureOf } from "../support/image-files.ts";
import { OnnxWorkspace } from "../support/onnx-workspace.ts";
import { sharedData } from "../support/shared-data.ts";

const golden = sharedData("golden");

/** Those with parameters of their own. A hint of another shape than the picture is cropped to it in a stream. */
const cases = (
  await Promise.all(
    ["pipeline", "pipeline-xl", "pipeline-control"].map(async (set) => {
      const { cases: all = [] } = (await goldenSet(`${set}/pipelines`)) ?? {};
      return (all as DiffusersCase[]).map((its) => ({ ...its, set }));
    }),
  )
)
  .flat()
  .filter(
    ({ set, eta, image, source, hint = [] }) =>
      (set !== "pipeline" || eta !== undefined) &&
      image !== undefined &&
      source === undefined &&
      hint.every((path) => path.endsWith("/hint.png")),
  );

describe.skipIf(golden === null)(
  "diffusers' pictures by parameters (../shared/data/golden)",
  () => {
    let workspace: OnnxWorkspace;
    let host: ModelHost;
    beforeAll(async () => {
      workspace = await OnnxWorkspace.create();
      for (const its of cases) await writeModel(its);
      host = await workspace.host();
    });
    afterAll(async () => {
      await host[Symbol.asyncDispose]();
      await workspace[Symbol.asyncDispose]();
    });

    async function writeModel(its: (typeof cases)[number]): Promise<void> {
      const folder = join(workspace.path, "models", its.id);
      await mkdir(join(workspace.path, "models"), { recursive: true });
      const tiny = its.set === "pipeline-xl" ? "pipeline-xl/tiny-xl" : "pipeline/tiny-sd";
      await cp(`${golden}/${tiny}`, folder, { recursive: true });
      const nets = its.hint?.map((_, at) => ["controlnet", CONTROL_NETS[at]]) ?? [];
      for (const [from = "", to = ""] of nets.length === 0 ? [] : [["unet", "unet"], ...nets]) {
        const source = `${golden}/pipeline-control/tiny-control/${from}`;
        await cp(source, join(folder, to), { recursive: true, force: true });
      }
      const scheduler = JSON.stringify({ ...its.config, _class_name: its.scheduler });
      await Bun.write(join(folder, "scheduler/scheduler_config.json"), scheduler);
    }

    /** As callers send them. */
    async function sentBy(its: (typeof cases)[number]): Promise<Record<string, unknown>> {
      const { steps, guidance, seed, eta, guess_mode, scale, start, end } = its;
      const sent: Record<string, unknown> = { rules: "diffusers", steps, guidance, seed, eta };
      for (const name of ["original_size", "crops_coords_top_left", "target_size"] as const) {
        sent[name] = its[name];
      }
      if (its.hint !== undefined) sent["guess_mode"] = guess_mode;
      for (const [at, path] of its.hint?.entries() ?? []) {
        const suffix = CONTROL_SUFFIXES[at];
        const bytes = await Bun.file(`${golden}/${its.set}/${path}`).bytes();
        sent[`control_image${suffix}`] = pictureUri(bytes, "png");
        sent[`control${suffix}`] = listed(scale, at, 1);
        sent[`control_start${suffix}`] = listed(start, at, 0);
        sent[`control_end${suffix}`] = listed(end, at, 1);
      }
      return sent;
    }

    test.each(cases)("$id", async (its) => {
      const wanted = await pictureOf(
        pictureUri(await Bun.file(`${golden}/${its.set}/${its.image}`).bytes(), "png"),
      );
      const size = { width: wanted.width, height: wanted.height };
      const params = host.infos().find(({ name }) => name === its.id)?.params ?? [];
      const values: Record<string, ParamValue> = {};
      for (const [name, value] of Object.entries(await sentBy(its))) {
        if (value === undefined) continue;
        const param = params.find((one) => one.name === name);
        if (param === undefined) throw new Error(`the pipeline has no parameter ${name}`);
        const reading = readParam(param, value);
        if (!("value" in reading)) throw new Error(`${name} ${reading.problem}`);
        values[name] = reading.value;
      }
      const { prompt, negative_prompt } = its;
      const asked: StreamParams = {
        prompts: [{ prompt, ...(negative_prompt !== null && { negative_prompt }) }],
        model: its.id,
        fit: "cover",
        paused: false,
        model_params: values,
      };
      using converter = new PictureConverter(UNRECORDED_CALLS);
      using executor = new PlanExecutor({
        host,
        converter,
        key: "stream",
        calls: UNRECORDED_CALLS,
        hasInput: false,
        signal: new AbortController().signal,
      });
      await executor.prepare(asked);
      const { picture } = await executor.draw({ frame: null, pts: ticks(0), size, params: asked });
      expect([picture.width, picture.height]).toEqual([size.width, size.height]);
      const differences = wanted.data.map((value, at) => Math.abs(value - (picture.data[at] ?? 0)));
      expect(Math.max(...differences)).toBeLessThanOrEqual(1);
      const share = differences.filter((levels) => levels > 0).length / differences.length;
      expect(share).toBeLessThanOrEqual(0.005);
    });
  },
);
