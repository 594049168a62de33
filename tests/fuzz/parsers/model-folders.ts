/** Fuzzes the catalogue with folders of hostile files: ONNX networks, and the files of diffusion pipelines. */
import { readFileSync } from "node:fs";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBinary, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import { ModelProtoSchema } from "onnx-buf";
import { samplingOf } from "../../../src/engine/diffusion/pipeline-sampling.ts";
import { schedulerConfig } from "../../../src/engine/diffusion/sampler/diffusers/scheduler-config.ts";
import { ClipTokenizer } from "../../../src/engine/diffusion/text/clip-tokenizer.ts";
import { readClipVocabulary } from "../../../src/engine/diffusion/text/clip-vocabulary.ts";
import { adaptGraph } from "../../../src/engine/models/adapt-graph.ts";
import type { CatalogueEntry } from "../../../src/engine/models/catalogue-entry.ts";
import { ROLES } from "../../../src/engine/models/define-model.ts";
import { fuse } from "../../../src/engine/models/graph-fusion.ts";
import { readModelFolder } from "../../../src/engine/models/model-folder.ts";
import { readModelSource } from "../../../src/engine/models/onnx-source.ts";
import { WorkerError } from "../../../src/errors.ts";
import { attentionGraph } from "../../support/attention-graph.ts";
import { denoiserGraph } from "../../support/denoiser-graph.ts";
import { onnxFileWithWeightsIn } from "../../support/onnx-files.ts";
import { simpleModel } from "../../support/onnx-workspace.ts";
import { sharedData } from "../../support/shared-data.ts";
import { writePipeline } from "../../support/synthetic-pipeline.ts";
import { defineTarget } from "../fuzz.ts";
import { mutatedBytes } from "../mutated-bytes.ts";
import { mutatedJson } from "../mutated-json.ts";
import { checkDefinition, modelJsonTexts } from "./model-json.ts";

const NAME = "m";

interface OnnxCase {
  readonly file: Uint8Array;
  /** The text of its model.json. */
  readonly json: string;
}

export const onnxFiles = defineTarget<OnnxCase>({
  name: "onnx-files",
  inputs:
    "ONNX files with damaged bytes, wild shapes, types and places of weights, beside a model.json",
  found: [
    {
      what: "a network for pictures of a billion pixels a side was accepted",
      test: [
        "unit/engine/models/define-model.test.ts",
        "a file that fixes a size which no picture has is refused",
      ],
    },
  ],
  open: async () => {
    const { folder, entry, close } = await modelFolder();
    return {
      inputs: fc.record({
        file: wildOnnx(),
        json: fc.oneof({ weight: 3, arbitrary: fc.constant("{}") }, modelJsonTexts),
      }),
      check: async ({ file, json }) => {
        await Bun.write(join(folder, "model.onnx"), file);
        await Bun.write(join(folder, "model.json"), json);
        const read = await entry();
        if (read.state === "usable") await prepare(read);
      },
      close,
    };
  },
});

/** What the model's thread does before it hands the network to ONNX Runtime. */
async function prepare({ program, definition }: Extract<CatalogueEntry, { state: "usable" }>) {
  if (!("path" in program)) throw new Error("a file is no network");
  try {
    const { model } = await readModelSource(program);
    fuse(model);
    adaptGraph(model, definition, ROLES);
  } catch (error) {
    if (!(error instanceof WorkerError && error.kind === "model_failed")) throw error;
  }
}

/** Networks that are damaged as bytes, or changed as messages. */
export function wildOnnx(): fc.Arbitrary<Uint8Array> {
  const corpus = onnxCorpus();
  const messages = corpus.map((bytes) =>
    toJson(ModelProtoSchema, fromBinary(ModelProtoSchema, bytes)),
  );
  const names = ["location", "offset", "length", "dims", "rawData", "dataType", "externalData"];
  const changed = mutatedJson(messages, { names }).map((message) => {
    try {
      return toBinary(ModelProtoSchema, fromJson(ModelProtoSchema, message as never));
    } catch {
      return Buffer.from(JSON.stringify(message) ?? ""); // it is no message of that kind any more
    }
  });
  return fc.oneof(mutatedBytes(corpus), changed);
}

function onnxCorpus(): Uint8Array[] {
  const places = ["weights.bin", "../weights.bin", "/etc/hostname", "model.onnx", ""];
  const real = [
    "06_normalization/l2_norm",
    "03_conv_filter/sharpen",
    "02_color_space/sepia",
  ].flatMap((name) => sharedData(`models/onnx-cv-graph/${name}.onnx`) ?? []);
  return [
    simpleModel("float32", [1, 3, "H", "W"], (graph, x) => graph.node("Sigmoid", [x])),
    simpleModel("uint8", [1, 64, 64, 3], (graph, x) => graph.node("Identity", [x])),
    attentionGraph(),
    denoiserGraph(),
    ...places.map(onnxFileWithWeightsIn),
    ...real.map((path) => new Uint8Array(readFileSync(path))),
  ];
}

interface PipelineCase {
  readonly file: string;
  readonly content: Uint8Array;
}

export const pipelineFolders = defineTarget<PipelineCase>({
  name: "pipeline-folders",
  inputs: "diffusion pipelines, one of whose configurations, vocabularies or networks is damaged",
  found: [
    {
      what: "a scheduler with betas of 1 and more, or of any number of timesteps, was accepted and drew NaN",
      test: [
        "unit/engine/diffusion/pipeline-sampling.test.ts",
        "what is not known or cannot be is named",
      ],
    },
    {
      what: "a scheduler whose noise is more than single precision holds was accepted and drew NaN",
      test: [
        "unit/engine/diffusion/pipeline-sampling.test.ts",
        "what is not known or cannot be is named",
      ],
    },
    {
      what: "a denoiser of thousands of blocks was accepted, with sizes that are multiples of infinity",
      test: [
        "unit/engine/diffusion/pipeline-limits.test.ts",
        "a denoiser with more blocks than any has is refused by name",
      ],
    },
  ],
  open: async () => {
    const { folder, entry, close } = await modelFolder();
    await writePipeline(folder);
    const special = {
      eos_token: "<|endoftext|>",
      pad_token: { content: "!" },
      model_max_length: 77,
    };
    await Bun.write(join(folder, "tokenizer/tokenizer_config.json"), JSON.stringify(special));
    const whole = `${folder}-whole`;
    await cp(folder, whole, { recursive: true });
    const files = await Promise.all(
      PIPELINE_FILES.map(
        async (name) => [name, await Bun.file(join(whole, name)).bytes()] as const,
      ),
    );
    return {
      inputs: fc.oneof(...files.map(([file, bytes]) => damagedFile(file, bytes))),
      check: async ({ file, content }) => {
        await Bun.write(join(folder, file), content);
        const read = await entry();
        if (read.state === "usable") await useTexts(folder);
        await cp(join(whole, file), join(folder, file));
      },
      close,
    };
  },
});

const PIPELINE_FILES = [
  "model_index.json",
  "scheduler/scheduler_config.json",
  "scheduler/scheduler_config.json",
  "unet/config.json",
  "vae_decoder/config.json",
  "tokenizer/vocab.json",
  "tokenizer/merges.txt",
  "tokenizer/tokenizer_config.json",
  "unet/model.onnx",
  "vae_decoder/model.onnx",
];

const CONFIG_NAMES = [
  ...["_class_name", "num_train_timesteps", "beta_start", "beta_end", "beta_schedule"],
  ...["prediction_type", "trained_betas", "rescale_betas_zero_snr", "timestep_spacing"],
  ...["steps_offset", "use_karras_sigmas", "final_sigmas_type", "original_inference_steps"],
  ...["block_out_channels", "scaling_factor", "force_zeros_for_empty_prompt", "model_max_length"],
];

function damagedFile(file: string, bytes: Uint8Array): fc.Arbitrary<PipelineCase> {
  const contents = fc.oneof(
    mutatedBytes([bytes]),
    ...(file.endsWith(".json")
      ? [
          mutatedJson([JSON.parse(Buffer.from(bytes).toString())], { names: CONFIG_NAMES }).map(
            (json) => Buffer.from(`${JSON.stringify(json)}`),
          ),
        ]
      : []),
  );
  return contents.map((content) => ({ file, content }));
}

/** What a pipeline does with its configuration when it is loaded. */
async function useTexts(folder: string): Promise<void> {
  const scheduler = await Bun.file(join(folder, "scheduler/scheduler_config.json")).json();
  const { sigmas } = samplingOf(scheduler).table;
  if (!sigmas.every((sigma) => Number.isFinite(sigma) && sigma >= 0))
    throw new Error("a scheduler whose noise is no number is accepted");
  try {
    schedulerConfig(scheduler);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // it is sampled without diffusers' schedulers
  }
  const tokenizer = new ClipTokenizer(
    await readClipVocabulary(join(folder, "tokenizer"), "tokenizer"),
  );
  const ids = tokenizer.encodeToLength("a photo of a cat, (masterpiece:1.2) 🦊 <|endoftext|>");
  if (ids.length !== tokenizer.length) throw new Error("a text of another length");
}

/** A workspace with one model. */
async function modelFolder() {
  const workspace = await mkdtemp(join(tmpdir(), "fuzz-models-"));
  const folder = join(workspace, "models", NAME);
  const entry = async (): Promise<CatalogueEntry> => {
    const read = await readModelFolder(workspace, NAME);
    if (read === null) throw new Error("the folder is not found");
    if (read.state === "usable") checkUsable(read);
    else checkMessage(read.error);
    return read;
  };
  return { folder, entry, close: async () => await rm(workspace, { recursive: true }) };
}

function checkUsable({ definition, bytes }: Extract<CatalogueEntry, { state: "usable" }>): void {
  checkDefinition(definition);
  if (!(bytes > 0 && Number.isSafeInteger(bytes)))
    throw new Error("a model of no size is accepted");
  const { picture } = definition;
  const sides = picture?.size ? [picture.size.width, picture.size.height] : [];
  if (picture !== null) sides.push(picture.multipleOf);
  for (const side of sides)
    if (!(side > 0 && side <= 65_536))
      throw new Error("a model of impossible pictures is accepted");
}

/** A refusal is one readable sentence. */
function checkMessage({ message, kind }: WorkerError): void {
  if (kind !== "model_failed" || !message.startsWith(`model ${NAME} cannot be used: `))
    throw new Error(`a strange refusal: ${message}`);
  if (message.length > 20_000) throw new Error("the refusal is endless");
  const own = message.replace(/JSON Parse error.*/s, "");
  if (/ undefined|\[object|is not a function|of null|not iterable/.test(own))
    throw new Error(`a refusal of a bug: ${message.slice(0, 150)}`);
}
