/** Declares what the sessions of one registration share: settings, and the parts of the server that they use. */
import type { ModelInfo } from "../../../../engine/protocol/models.ts";
import type { Place } from "../../../admission.ts";
import type { StreamStarter } from "../../../streams/start.ts";
import type { StreamStore } from "../../../streams/store.ts";
import type { StreamUpdater } from "../../../streams/update.ts";
import type { OrchestratorTls } from "../../orchestrator-http.ts";
import type { SideChannelRules } from "../../side-channels/side-channels.ts";
import type { Startup } from "../app/startup.ts";
import type { SessionOwner } from "../runner-sessions.ts";
import type { RunnerSession } from "./session.ts";

/** Time limits of sessions in milliseconds, and what their output is made of. */
export interface SessionSettings {
  /** `RUNNER_UNUSED_TIMEOUT`: a reservation without a start. */
  readonly unusedTimeoutMs: number;
  /** `RUNNER_IDLE_TIMEOUT`: a stream without an input byte. */
  readonly idleTimeoutMs: number;
  /** `RUNNER_END_GRACE`: from an end that nobody asked for to the release. */
  readonly endGraceMs: number;
  /** `RUNNER_MAX_SESSION`; 0: no limit. */
  readonly maxSessionMs: number;
  /** `RUNNER_SEGMENT_SECONDS`. */
  readonly segmentSeconds: number;
  /** An uncalled session that lived less than this does not count as a sign that the server is unreachable; default: 3 s. */
  readonly uncalledMs?: number;
  /** Delays between tries to release a session; default: 1, 2 and 4 s. */
  readonly releaseRetryMs?: readonly number[];
  /** How the channels beside the media are used; default: `SESSION_CHANNELS`. */
  readonly sideChannels?: SideChannelRules;
}

export interface SessionServices {
  readonly owner: SessionOwner;
  readonly starter: Pick<StreamStarter, "prepare" | "checkChannels" | "begin">;
  readonly store: Pick<StreamStore, "end">;
  readonly updater: Pick<StreamUpdater, "apply">;
  readonly tls: OrchestratorTls;
  readonly settings: SessionSettings;
  /** Whether a model is loaded, and how long a session that starts now waits for it. */
  readonly startupOf: (model: ModelInfo) => Startup;
  /** Takes a place for a session that has none. Throws `at_capacity` and RunnerError `runner_unavailable`. */
  readonly hold: () => Promise<Place>;
  /** Called when a session has ended, before it is released. */
  readonly onEnd?: (session: RunnerSession) => void;
}
