/** Finds out whether the operator's ComfyUI can run graphs for us: whether it answers, its version, and the nodes we need. */
import { WorkerError } from "../../errors.ts";
import type { ComfyReport } from "../protocol/comfyui-report.ts";
import type { ComfyClient } from "./client.ts";
import { TEXT_NODE } from "./server-graph.ts";

const OLDEST = [0, 3, 45] as const;
const EXAMINE_MS = 20_000;

/** What each node is needed for, and what to do where it is missing. */
const NEEDED: Readonly<Record<string, string>> = {
  SaveImageWebsocket:
    "by which streams get their pictures: start it with its custom_nodes/websocket_image_save.py",
  [TEXT_NODE]: "by which texts come back: update it",
  LoadImage: "which gives it the frames: update it, and start it with its own nodes",
  SaveImage: "with which graphs are judged: update it, and start it with its own nodes",
  PreviewImage: "by which it can show pictures: update it, and start it with its own nodes",
};

/** @param connect opens its WebSocket */
export async function examine(
  client: ComfyClient,
  connect: () => Promise<unknown>,
): Promise<ComfyReport> {
  const { label } = client;
  const signal = AbortSignal.timeout(EXAMINE_MS);
  try {
    const { version, devices } = await client.system(signal);
    await connect();
    const lacks = Object.entries(NEEDED).map(async ([name, rest]) =>
      (await client.knows(name, signal)) ? [] : [`it lacks ${name}, ${rest}`],
    );
    const problems = [...tooOld(version), ...(await Promise.all(lacks)).flat()];
    return { label, version, devices, problems };
  } catch (error) {
    if (signal.aborted) return unusable(label, `no answer within ${EXAMINE_MS / 1000} s`);
    if (!(error instanceof WorkerError) || error.kind !== "comfyui_unavailable") throw error;
    return unusable(label, error.message.replace(`${label}: `, ""));
  }
}

const unusable = (label: string, what: string): ComfyReport => ({
  label,
  version: null,
  devices: [],
  problems: [`${what}; start it, or correct COMFYUI_URL or leave it out`],
});

function tooOld(version: string | null): string[] {
  const numbers = /^v?(\d+)\.(\d+)\.(\d+)/
    .exec(version ?? "")
    ?.slice(1)
    .map(Number);
  if (numbers === undefined) return [];
  const differing = OLDEST.findIndex((oldest, at) => numbers[at] !== oldest);
  const isOlder = differing >= 0 && (numbers[differing] ?? 0) < (OLDEST[differing] ?? 0);
  return isOlder ? [`it is version ${version}, older than ${OLDEST.join(".")}: update it`] : [];
}
