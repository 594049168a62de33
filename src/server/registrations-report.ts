/** Asks the running server for the state of its registrations, for the command `doctor`. */
import { type Static, Type } from "@sinclair/typebox";
import { answerTimeout } from "../answer-timeout.ts";
import type { Config } from "../config.ts";
import { reason } from "../errors.ts";
import { check } from "../schema-check.ts";
import { textTable } from "../text-table.ts";
import { connectOrigin } from "./hosts/own-address.ts";
import { RegistrationView } from "./registration-view.ts";

const TIMEOUT_MS = 3000;

const Answer = Type.Object({ registrations: Type.Array(RegistrationView) });

export interface RegistrationsReport {
  /** False if an orchestrator does not have what the running server registers. */
  readonly ok: boolean;
  readonly text: string;
}

/** Null where the settings name no orchestrator. Without a running server nothing is wrong. */
export async function examineRegistrations(config: Config): Promise<RegistrationsReport | null> {
  const { host, port, apiToken, orchUrl } = config;
  if (orchUrl === undefined) return null;
  const origin = connectOrigin({ host, port });
  using late = answerTimeout(TIMEOUT_MS);
  try {
    const response = await fetch(`${origin}/registrations`, {
      headers: apiToken === undefined ? {} : { authorization: `Bearer ${apiToken}` },
      signal: late.signal,
      proxy: "",
    });
    const body: unknown = await response.json().catch(() => null);
    if (check(Answer).Check(body)) return render(origin, body as Static<typeof Answer>); // proven
    return { ok: true, text: `registrations: not known: ${origin} answered ${response.status}` };
  } catch (error) {
    const text = `registrations: not known: no server answers at ${origin} (${reason(error)})`;
    return { ok: true, text };
  }
}

function render(origin: string, { registrations }: Static<typeof Answer>): RegistrationsReport {
  // With both kinds an orchestrator may speak one of them alone.
  const served = new Set(
    registrations.filter((one) => one.registered).map((one) => one.orchestrator),
  );
  const ok = registrations.every(
    (one) => one.kind === "static" || one.registered || served.has(one.orchestrator),
  );
  const rows = registrations.map(({ kind, name, orchestrator, registered, since, failure }) => {
    const not = kind === "static" ? "listed by operators of orchestrators" : "NOT REGISTERED";
    return [kind, name, orchestrator, registered ? `since ${since}` : not, failure ?? ""];
  });
  const head = `registrations of the server at ${origin}: ${ok ? "ok" : "FAILED"}`;
  if (rows.length === 0) return { ok, text: `${head}, none` };
  const table = textTable([["kind", "name", "orchestrator", "", ""], ...rows]);
  return { ok, text: [head, ...table].join("\n") };
}
