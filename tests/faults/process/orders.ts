/** Gives orders to the processes of a worker, for faults that neither a signal nor a file of the workspace brings about. */
import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { waitFor } from "../../support/wait-for.ts";
import type { Worker } from "../rig/worker.ts";

export type Order =
  /** The wall clock of server and engines is off by so many milliseconds, until the order is withdrawn. */
  | "clock"
  /** One engine spins in JavaScript. */
  | "spin"
  /** One engine closes its channel to the server. */
  | "disconnect"
  /** The next engine ends while it boots. */
  | "die-at-boot"
  /** The next engine spins while it boots. */
  | "hang-at-boot"
  /** Engines that boot from now on give loads so many milliseconds, until the order is withdrawn. */
  | "load-deadline";

/** Gives an order; one engine takes it, or it lasts until it is withdrawn. */
export async function order(worker: Worker, what: Order, text = ""): Promise<void> {
  await writeFile(join(worker.orders, what), text);
}

export async function withdraw(worker: Worker, what: Order): Promise<void> {
  await rm(join(worker.orders, what), { force: true });
}

/** Waits until an engine has begun to carry out an order. */
export async function taken(worker: Worker, what: Order): Promise<void> {
  await waitFor(`an engine to take "${what}"`, () => !existsSync(join(worker.orders, what)));
}
