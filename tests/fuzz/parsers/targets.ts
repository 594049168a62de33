/** Lists the targets that read files, messages and media. */
import type { FuzzTarget } from "../fuzz.ts";
import { archives } from "./archives.ts";
import { bitstreams } from "./bitstreams.ts";
import { containerBytes } from "./container-bytes.ts";
import { decoders } from "./decoders.ts";
import { engineMessages } from "./engine-messages.ts";
import { graphRuns, graphs } from "./graphs.ts";
import { onnxFiles, pipelineFolders } from "./model-folders.ts";
import { modelJsons } from "./model-json.ts";
import { onnxSessions } from "./onnx-sessions.ts";
import { stillPictures } from "./pictures.ts";
import { segmentOutputs } from "./segment-outputs.ts";
import { serverMessages } from "./server-messages.ts";
import { settingsValues } from "./settings-values.ts";
import { streamParams } from "./stream-params.ts";
import { promptTexts } from "./texts.ts";

export const PARSER_TARGETS: readonly FuzzTarget[] = [
  ...containerBytes,
  bitstreams,
  segmentOutputs,
  decoders,
  stillPictures,
  modelJsons,
  onnxFiles,
  onnxSessions,
  pipelineFolders,
  archives,
  graphs,
  graphRuns,
  promptTexts,
  streamParams,
  settingsValues,
  engineMessages,
  serverMessages,
];
