/** Describes one engine as `/health` shows it. */
import type { EngineMemory, Supervisor } from "./supervisor.ts";

export interface EngineView {
  readonly device: string;
  readonly state: Supervisor["status"];
  /** True while it runs a single piece of work that an engine may have died of. */
  readonly isolated: boolean;
  readonly pid: number | null;
  readonly restarts: number;
  /** Streams and pictures that it runs. */
  readonly streams: number;
  readonly live: Supervisor["census"];
  readonly memory: EngineMemory;
}

export const engineView = (supervisor: Supervisor, isolated: boolean): EngineView => ({
  device: supervisor.device,
  state: supervisor.status,
  isolated,
  pid: supervisor.pid,
  restarts: supervisor.history.restarts,
  streams: supervisor.placements.size,
  live: supervisor.census,
  memory: supervisor.memory,
});
