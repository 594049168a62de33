/** The control protocol of live-runner sessions, as their streams know it (live-runner.md 4.2). */
import { INPUT_DEFAULTS } from "../../streams/params.ts";
import type { ControlProtocol } from "../control-protocol.ts";
import type { SideChannelRules } from "../side-channels/side-channels.ts";

/** A client waits 5 s for the answer to its start, channels included. */
const ENGINE_BOOT_MS = 1500;

export const liveRunnerProtocol: ControlProtocol = {
  name: "live-runner",
  idField: "session",
  channelFields: { input: "in", output: "out" },
  outputLifecycle: "adopted",
  answersWhen: "admitted",
  needsPrompts: false,
  presetsChange: "defaults",
  engineTimeoutMs: ENGINE_BOOT_MS,
  shutdownError: null,
  atShutdown: "drain",

  // A session reads its updates itself: they depend on the stream.
  readUpdate: (body) => body,
  defaults: () => ({ params: { ...INPUT_DEFAULTS, fallback: "default" }, container: "mpegts" }),
};

/** How the channels beside the media are used (live-runner.md 4.5). */
export const SESSION_CHANNELS: SideChannelRules = {
  pipeline: "comfystream",
  fields: { control: "control", events: "events", data: "data" },
  fate: "separate",
  unapplied: "reported",
  timing: {
    beatMs: 5000,
    batchMs: 333,
    silenceMs: null,
    keepAliveMs: null,
    emptySegmentMs: 60_000,
  },
};
