/** The page's state as signals. */
import { computed, signal } from "@preact/signals";
import type { Problem } from "./advice.ts";
import type { Health, Model, Stream } from "./api.ts";
import { type Draft, FIRST_DRAFT } from "./draft.ts";
import { faultsOf, type GraphFaults, runProblem } from "./graph/graph-faults.ts";
import { isGraphModel } from "./graph/graph-model.ts";
import { graphTextOf, isSameGraph } from "./graph/graph-text.ts";
import { alertFor, type GraphVerdict, standingVerdict } from "./graph/graph-verdict.ts";
import type { NodeClasses } from "./graph/node-classes.ts";
import { type GraphReading, readGraph } from "./graph/read-graph.ts";
import type { VideoSource } from "./model-choice.ts";
import { ownPageToken } from "./page-token.ts";
import type { Sample } from "./samples.ts";
import type { ClockEstimate } from "./server-clock.ts";

/** What the stage shows: the large picture area. */
export type OnScreen =
  | { readonly kind: "nothing" }
  | { readonly kind: "starting" }
  /** `controlled`: the form changes it. `watched`: it was started elsewhere, and the form is for a new stream. */
  | ({ readonly kind: "controlled" | "watched" } & StreamOnScreen)
  /** `again`: the form holds what it ran with. */
  | { readonly kind: "ended"; readonly why: string; readonly again: boolean };

export interface StreamOnScreen {
  readonly id: string;
  /** Path of its channel on this server; null if it publishes to another server. */
  readonly channel: string | null;
  readonly input: Input;
}

export type Input =
  | { readonly kind: "none" }
  | { readonly kind: "camera"; readonly url: string; readonly preview: MediaStream }
  /** `channel` is its path on this server; null if it is on another. */
  | { readonly kind: "channel"; readonly url: string; readonly channel: string | null };

export const draft = signal<Draft>(FIRST_DRAFT);
/** The draft with which the controlled stream runs. */
export const applied = signal<Draft>(FIRST_DRAFT);
export const onScreen = signal<OnScreen>({ kind: "nothing" });
export const models = signal<readonly Model[]>([]);
/** When each loading model was first seen to load, by `performance.now()`. */
export const warmingSince = signal<ReadonlyMap<string, number>>(new Map());
export const health = signal<Health | null>(null);
/** Running streams, newest first. */
export const streams = signal<readonly Stream[]>([]);
/** Figures of the stream on screen, one sample a second. */
export const samples = signal<readonly Sample[]>([]);
/** The last error; problems of a graph are in `graphVerdict`. */
export const problem = signal<Problem | null>(null);
/** The verdict on the last graph that was sent. */
export const graphVerdict = signal<GraphVerdict | null>(null);
/** The node classes of the server; empty until a graph is shown. */
export const nodeClasses = signal<NodeClasses>({});
/** The token that was typed; empty without one. */
export const typedToken = signal(sessionStorage.getItem("token") ?? "");
/** The token that the server gives to pages on its own machine, a new one after each start; otherwise empty. */
export const pageToken = signal(ownPageToken());
/** The token to send; empty without one. */
export const token = computed(() => typedToken.value || pageToken.value);
export const tokenWanted = signal(false);
/** Seconds between the newest picture received and the one shown. */
export const behind = signal<number | null>(null);
/** Milliseconds since the marker in the picture on screen was drawn; null while there is none. */
export const delay = signal<number | null>(null);
export const serverClock = signal<ClockEstimate | null>(null);
/** The server's time in milliseconds since 1970. */
export const serverNow = (): number => Date.now() + (serverClock.value?.ahead ?? 0);

/** The stream on screen, whether this page controls it or not. */
export const streamOnScreen = computed<StreamOnScreen | null>(() => {
  const screen = onScreen.value;
  return screen.kind === "controlled" || screen.kind === "watched" ? screen : null;
});
export const isControlling = computed(() => onScreen.value.kind === "controlled");
export const shown = computed<Stream | null>(() => {
  const id = streamOnScreen.value?.id;
  return streams.value.find(({ manifest_id }) => manifest_id === id) ?? null;
});
/** Whether the form gives the model a video. */
export const video = computed<VideoSource>(() =>
  draft.value.source === "none" ? "none" : "video",
);
const graphText = computed(() => draft.value.graph);
export const graphReading = computed<GraphReading>(() => readGraph(graphText.value));
/** Why the graph in the form fails in the stream that the form changes. */
const graphError = computed(() => {
  const stream = isControlling.value ? shown.value : null;
  if (stream?.error === undefined || !isGraphModel(stream.params.model)) return undefined;
  const running = graphTextOf(stream.metadata) ?? "";
  return isSameGraph(graphText.value, running) ? stream.error : undefined;
});
const standing = computed(() =>
  standingVerdict(graphVerdict.value, {
    draft: draft.value,
    isReadable: graphReading.value.fault === null,
    applied: isControlling.value ? applied.value.graph : null,
  }),
);
export const graphFaults = computed<GraphFaults>(() =>
  faultsOf(
    [...(standing.value?.problems ?? []), ...runProblem(graphError.value)],
    graphReading.value.nodes,
  ),
);
/** The error that the page shows above the form. */
export const alert = computed<Problem | null>(
  () => problem.value ?? alertFor(standing.value, isControlling.value),
);
export const chosenModel = computed<Model | null>(
  () => models.value.find(({ name }) => name === draft.value.model) ?? null,
);
export interface DataSource {
  /** The stream's id. */
  readonly id: string;
  readonly model: string;
  /** The names of the model's data outputs. */
  readonly outputs: readonly string[];
}
/** The source of the data on screen; null without a stream, and where its model has no data outputs. */
export const shownData = computed<DataSource | null>(() => {
  const stream = shown.value;
  const model = models.value.find(({ name }) => name === stream?.stats.model);
  if (stream === null || !model?.data.length) return null;
  return { id: stream.manifest_id, model: model.name, outputs: model.data };
});
