/** Stands between a worker and a trickle server on loopback, and misbehaves on command. */
import { FaultPath, type FaultPathOptions } from "./fault-path.ts";

/** How a path misbehaves until it is cleared. "Segment" is what a GET reads; a POST's body is named where it is meant. */
export const TRICKLE_FAULTS = [
  /** The listener is closed: connections are refused, open ones are reset. */
  "refuse",
  /** Every connection is reset after the first piece of a body, in whichever direction it goes. */
  "reset",
  /** Connections are accepted and open ones stay, but nothing is read and nothing is answered. */
  "stall",
  /** Whoever was on the other side is gone without a FIN: sockets stay, and all bytes are dropped, for good. */
  "half_open",
  "status_404",
  "status_500",
  "status_503",
  /** 470 with a `Latest` that is ahead of the segment asked for, so that the server no longer holds it. */
  "status_470_older",
  /** 470 with a `Latest` that is behind it. */
  "status_470_newer",
  /** Bodies pass at 4 KiB/s. */
  "slow",
  /** Answers are held back for 1.5 s. */
  "late",
  /** Every second GET gets the segment before the one it asked for. */
  "duplicate",
  /** Segments arrive without bytes. */
  "empty",
  /** Segments end after their first piece as if they were complete; POSTs are answered 200 after theirs. */
  "early_close",
  /** Bursts of 100 Continue while an answer is due. */
  "continue",
  /** Bytes that are no HTTP, in place of an answer. */
  "garbage",
  /** The connection is reset after the worker's first bytes: with TLS, in the middle of the handshake. */
  "handshake_cut",
  /** TLS only: another certificate. */
  "certificate",
  /** `Lp-Trickle-Seq` and `Lp-Trickle-Latest` are missing, negative, or huge. */
  "seq_missing",
  "seq_negative",
  "seq_huge",
  /** Segments are longer than their Content-Length, or any answer is shorter. */
  "length_short",
  "length_long",
] as const;
export type TrickleFault = (typeof TRICKLE_FAULTS)[number];

/** One path of a worker to its trickle server. */
export interface FaultSwitch {
  /** Stands in place of the trickle server's origin in the URLs that the worker gets. */
  readonly origin: string;
  /** The URL of a channel by this path. */
  through(url: string): string;
  /** Misbehaves from now on, on open connections too. Replaces the fault that is set. */
  set(fault: TrickleFault): Promise<void>;
  /** Passes everything on again. Half-open connections stay dead, stalled ones go on. */
  clear(): Promise<void>;
  /** Resets all open connections. */
  cutOpen(): void;
  /** Accepted since the start: a worker has one for each request. */
  readonly connections: number;
  /** Of these, open now. */
  readonly open: number;
}

/** Each path is a listener of its own, so that one may refuse connections while the others work. */
export interface FaultyTrickle extends AsyncDisposable {
  /** For `subscribe_url`. */
  readonly input: FaultSwitch;
  /** For `publish_url`. */
  readonly output: FaultSwitch;
  /** For `control_url`, `events_url` and `data_url`. */
  readonly side: FaultSwitch;
}

/**
 * @example
 * await using trickle = await faultyTrickle({ target: "http://127.0.0.1:8935" });
 * const subscribe_url = trickle.input.through("http://127.0.0.1:8935/ai/trickle/x");
 * await trickle.input.set("stall");
 */
export async function faultyTrickle(options: FaultPathOptions): Promise<FaultyTrickle> {
  const paths = Array.from({ length: 3 }, () => FaultPath.open(options));
  const [input, output, side] = (await Promise.all(paths)) as [FaultPath, FaultPath, FaultPath];
  return {
    input,
    output,
    side,
    async [Symbol.asyncDispose]() {
      await Promise.all([input, output, side].map((path) => path[Symbol.asyncDispose]()));
    },
  };
}
