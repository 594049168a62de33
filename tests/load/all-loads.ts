/** Lists all loads, in the order of the table. */
import { StandInOrchestrator } from "../support/live-runner/stand-in.ts";
import { OnnxWorkspace } from "../support/onnx-workspace.ts";
import { halfOpen } from "./half-open.ts";
import { idleChannels } from "./idle-channels.ts";
import { largePictures, noisePicture } from "./large-pictures.ts";
import type { Load } from "./load.ts";
import { manyClients } from "./many-clients.ts";
import { prepareModels, slowModel } from "./slow-model.ts";
import { startsAndStops } from "./starts-and-stops.ts";
import { tooManyStarts } from "./too-many-starts.ts";
import { prepareTalking, unreadEvents } from "./unread-events.ts";
import { controlFlood, longestPrompts, paramsFlood } from "./updates.ts";

const RUN_MS = [30, 100, 300];

export interface AllLoads extends AsyncDisposable {
  readonly loads: readonly Load[];
}

/** Makes what the loads need: models in a workspace, and an orchestrator. */
export async function allLoads({ starts }: { readonly starts: number }): Promise<AllLoads> {
  await using made = new AsyncDisposableStack();
  const workspace = made.use(await OnnxWorkspace.create());
  await prepareModels(workspace, RUN_MS);
  await prepareTalking(workspace);
  const orchestrator = made.use(
    await StandInOrchestrator.start({ dialect: "livepeer-node", intervalMs: 500 }),
  );
  const loads = [
    tooManyStarts(orchestrator),
    ...RUN_MS.map((runMs) => slowModel(workspace, runMs)),
    manyClients,
    idleChannels,
    halfOpen,
    startsAndStops(starts),
    paramsFlood,
    controlFlood,
    longestPrompts,
    unreadEvents(workspace),
    largePictures(noisePicture()),
  ];
  const owned = made.move();
  return { loads, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
