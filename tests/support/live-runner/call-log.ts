/** Records the calls that a simulated orchestrator gets, and answers some of them differently where a test asks for it. */

/** Names of the control routes, in the order of live-runner.md 5.3. */
export type RouteName =
  | "heartbeat"
  | "unregister"
  | "discovery"
  | "reserve"
  | "client-stop"
  | "app"
  | "single-shot"
  | "channels"
  | "delete-channels"
  | "proxy"
  | "proxied"
  | "stop"
  | "payment";

/** One call as received, and how it was answered. */
export interface Call {
  readonly route: RouteName;
  /** `performance.now()` at its arrival. */
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
  /** 0 until it is answered. */
  status: number;
  /** The text of the answer, except for proxied calls. */
  answer: string;
}

/** What happens to the next calls of a route. */
export interface Fault {
  /** Number of calls that it holds for; default 1. */
  readonly times?: number;
  /** The answer waits this long. It is made before: a heartbeat's `session_ids` are then stale. */
  readonly delayMs?: number;
  /** Status instead of the call's own effect. */
  readonly status?: number;
  /** Text of that answer; default: as the dialect words errors. */
  readonly text?: string;
}

export class CallLog {
  readonly all: Call[] = [];
  readonly #faults = new Map<RouteName, { fault: Fault; left: number }[]>();

  /** The calls of a route in order of arrival. */
  of(route: RouteName): Call[] {
    return this.all.filter((call) => call.route === route);
  }

  /** Makes the next calls of a route fail or wait; several faults take turns in the order given. */
  fail(route: RouteName, fault: Fault): void {
    const queue = this.#faults.get(route) ?? [];
    queue.push({ fault, left: fault.times ?? 1 });
    this.#faults.set(route, queue);
  }

  /** The fault for a call that has just arrived. */
  nextFault(route: RouteName): Fault | null {
    const queue = this.#faults.get(route) ?? [];
    const [next] = queue;
    if (next === undefined) return null;
    next.left--;
    if (next.left <= 0) queue.shift();
    return next.fault;
  }

  /** Takes back all faults. */
  clearFaults(): void {
    this.#faults.clear();
  }
}
