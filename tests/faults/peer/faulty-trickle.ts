/** Stands between a worker and a trickle server on loopback, and misbehaves on command. */

/** How a path misbehaves until it is cleared. The worker's request decides where a fault of bodies strikes: a GET's answer, or a POST's request. */
export type TrickleFault =
  /** The listener is closed: connections are refused, open ones are reset. */
  | "refuse"
  /** Every connection is reset once some of its body has passed. */
  | "reset"
  /** Connections are accepted and open ones stay: nothing is read and nothing is answered. */
  | "stall"
  /** The peer is gone without a FIN: sockets stay, all bytes are read and dropped. */
  | "half_open"
  | "status_404"
  | "status_500"
  | "status_503"
  /** 470, the segment is older than those the server holds. */
  | "behind"
  /** 470, the segment is newer than the server will have. */
  | "ahead"
  /** A few KB/s pass. */
  | "slow"
  /** Answers are held back for over a second. */
  | "late"
  /** Every second GET gets the segment before the one it asked for. */
  | "duplicate"
  /** GETs get segments without bytes; a POST's bytes do not arrive. */
  | "empty"
  /** A body ends early, as if it were complete: a GET's, or a POST's by an answer before its end. */
  | "early_close"
  /** Bursts of 100 Continue while an answer is due. */
  | "continue"
  /** Random bytes in place of an HTTP answer. */
  | "garbage"
  /** The TLS handshake is cut after the client's first message. */
  | "handshake_cut"
  /** `Lp-Trickle-*` headers of answers are missing, negative or huge. */
  | "seq_missing"
  | "seq_negative"
  | "seq_huge"
  /** Content-Length of answers is less or more than their body. */
  | "length_short"
  | "length_long";

/** One path of a worker to its trickle server. */
export interface FaultSwitch {
  /** Replaces the origin of the trickle server in the URLs that the worker gets. */
  readonly origin: string;
  /** Misbehaves from now on, on open connections too. Replaces the fault that is set. */
  set(fault: TrickleFault): Promise<void>;
  /** Passes everything on again. Half-open connections stay dead, stalled ones go on. */
  clear(): Promise<void>;
  /** Resets all open connections. */
  cutOpen(): void;
  /** The URL of a channel by this path. */
  through(url: string): string;
  /** Requests, refused connections excepted, since the start. */
  readonly requests: number;
  /** Connections of the worker that are open. */
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
