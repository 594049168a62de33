/** The command `models list`: what GET /models answers, from a running server or from a short-lived engine. */
import { type Static, Type } from "@sinclair/typebox";
import { ModelInfo } from "../engine/protocol/models.ts";
import { reason } from "../errors.ts";
import { check } from "../schema-check.ts";
import { chooseDevices } from "../server/engines/devices.ts";
import { engineOptions } from "../server/engines/engine-options.ts";
import { EngineProcess } from "../server/engines/engine-process.ts";
import { connectOrigin } from "../server/hosts/own-address.ts";
import { textTable } from "../text-table.ts";
import type { CommandContext } from "./command.ts";
import { CommandError } from "./failures.ts";

const SERVER_TIMEOUT_MS = 10_000;
/** Loading the native libraries takes seconds on a busy machine. */
const ENGINE_TIMEOUT_MS = 60_000;
const END_TIMEOUT_MS = 5000;

const Answer = Type.Object({ models: Type.Array(ModelInfo) });

/** Prints the models as a table, or as the JSON that GET /models answers. */
export async function listModels(form: "json" | "table", context: CommandContext): Promise<void> {
  const served = await askServer(context);
  const models = served ?? (await askEngine(context));
  if (form === "json") {
    context.print(JSON.stringify({ success: true, models, count: models.length }, null, 2));
    return;
  }
  for (const line of textTable([
    ["name", "state", "source", "license", "parameters"],
    ...models.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(rowOf),
  ]))
    context.print(line);
  for (const { name, error } of models)
    if (error !== undefined) context.print(`\n${name}: ${error}`);
}

const rowOf = ({ name, state, source, license, params }: ModelInfo): string[] => [
  name,
  state,
  source,
  license || "-",
  params.map((param) => param.name).join(", ") || "-",
];

/** Null where no server of ours listens. Throws for one that refuses to answer: its models are not known then. */
async function askServer({ config, signal, note }: CommandContext): Promise<ModelInfo[] | null> {
  const origin = connectOrigin(config);
  const url = `${origin}/models`;
  let status: number;
  let body: unknown;
  try {
    const response = await fetch(url, {
      headers: config.apiToken === undefined ? {} : { Authorization: `Bearer ${config.apiToken}` },
      signal: AbortSignal.any([signal, AbortSignal.timeout(SERVER_TIMEOUT_MS)]),
      proxy: "", // it is on this machine
    });
    status = response.status;
    body = await response.json().catch(() => null);
  } catch {
    signal.throwIfAborted();
    return null; // nobody listens there
  }
  if (check(Answer).Check(body)) {
    note(`the models of the server at ${origin}, from the workspace it was started with:`);
    return (body as Static<typeof Answer>).models; // what Check has just proven
  }
  if (status === 401 || status === 403)
    throw new CommandError(`the server at ${url} answered ${status}: set API_TOKEN to its token`);
  return null; // another program
}

async function askEngine({
  config,
  engine: command,
  signal,
}: CommandContext): Promise<ModelInfo[]> {
  const listed = Promise.withResolvers<ModelInfo[]>();
  const [device = "cpu"] = chooseDevices(config.device).names;
  const engine = new EngineProcess({
    ...command,
    engine: {
      ...engineOptions(config),
      device,
      log_level: "error",
    },
    bootMs: ENGINE_TIMEOUT_MS,
    receive: (message) => {
      if (message.type === "ready") listed.resolve([...message.models] as ModelInfo[]);
      if (message.type === "unfit") listed.reject(new CommandError(message.error.message));
    },
    gone: ({ why }) => listed.reject(new CommandError(`the engine ended: ${why}`)),
  });
  const stop = () => listed.reject(new CommandError(reason(signal.reason)));
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await listed.promise;
  } finally {
    signal.removeEventListener("abort", stop);
    await engine.end(AbortSignal.timeout(END_TIMEOUT_MS));
  }
}
