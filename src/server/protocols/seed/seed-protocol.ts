/** The seed document's control protocol: parameters at top level, and an output channel that the stream owns. */

import { DEFAULT_SIZE } from "../../../engine/protocol/work.ts";
import { fieldsError } from "../../field-errors.ts";
import { StartFields } from "../../streams/fields.ts";
import { CLOCK_DEFAULTS, INPUT_DEFAULTS, readFields } from "../../streams/params.ts";
import type { ChannelRequest, StartProtocol } from "../control-protocol.ts";

/** How long a start waits for the first engine. */
const ENGINE_BOOT_MS = 10_000;

export const seedProtocol: StartProtocol = {
  name: "seed",
  idField: "manifest_id",
  channelFields: { input: "input_url", output: "stream_url" },
  outputLifecycle: "owned",
  answersWhen: "active",
  engineTimeoutMs: ENGINE_BOOT_MS,
  shutdownError: null,
  atShutdown: "end",
  needsPrompts: true,
  presetsChange: "present",

  readStart: (body) => {
    const fields = readFields(StartFields, body);
    // The default models take prompts; of another one it is known later whether it does.
    const missing = [
      ...((fields.prompts ?? fields.prompt ?? fields.model) == null ? ["prompts"] : []),
      ...(fields.stream_url == null ? ["stream_url"] : []),
    ];
    if (missing.length > 0)
      throw fieldsError(missing.map((field) => ({ field, problem: "is required and not empty" })));
    return {
      id: crypto.randomUUID(),
      input: channel("input_url", fields.input_url),
      output: channel("stream_url", fields.stream_url),
      sideChannels: {},
      fields,
    };
  },
  readUpdate: (body) => body,
  defaults: (source) => ({
    params: source === "input" ? { ...INPUT_DEFAULTS, size: DEFAULT_SIZE } : CLOCK_DEFAULTS,
    container: "fmp4",
  }),

  shownChannels: ({ input, output }) => ({
    stream_url: output?.url ?? null,
    input_url: input?.url ?? null,
  }),
  startAnswer: () => ({}),
  observe: () => null,
};

const channel = (field: string, url: string | null | undefined): ChannelRequest | null =>
  url == null ? null : { field, url, rules: { mode: "seed" } };
