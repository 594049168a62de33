/** Starts, changes and stops streams on the user's behalf. */
import { markerTime } from "../media/marker.ts";
import { createApi, type Stream } from "./api.ts";
import { channelOf, localChannel, ownChannels } from "./channels.ts";
import { type Draft, withModel } from "./draft.ts";
import { failed, refused } from "./failures.ts";
import { withFirstPrompt } from "./first-prompt.ts";
import { isGraphModel } from "./graph/graph-model.ts";
import { isSameGraph } from "./graph/graph-text.ts";
import type { GraphVerdict } from "./graph/graph-verdict.ts";
import { openCamera } from "./media/camera.ts";
import { firstModel, fits, promptedModel } from "./model-choice.ts";
import { promptsOf } from "./prompts.ts";
import { changeBody, formOf, sendable, startBody } from "./start-body.ts";
import * as state from "./state.ts";
import { isControlled, rememberControlled, rememberOnScreen } from "./tab-streams.ts";
import { rememberUploads, withUploads } from "./uploads.ts";

/** Delay after the last key press before a prompt is sent. */
const TYPING_MS = 220;

export const api = createApi(() => state.token.value);
const endings = new Map<string, AbortController>();
/** The inputs that this page has opened, by stream id. */
export const inputs = new Map<string, state.Input>();
let settling: ReturnType<typeof setTimeout> | undefined;
let sending = false;
/** The server's last version of the form of the stream on screen, and when it answered our last change. */
let served = "";
let answeredAt = 0;

/** Chooses a model that fits the source; empty if the current one does. */
export function modelFor(source: Draft["source"]): Partial<Draft> {
  const video = source === "none" ? "none" : "video";
  const chosen = state.chosenModel.value;
  if (chosen !== null && fits(chosen, video)) return {};
  return withModel(firstModel(state.models.value, video));
}

/** Starts a stream that shows a scene, with another model if the chosen one takes no prompts. */
export function startScene(prompt: string): void {
  const model = promptedModel(state.models.value, state.chosenModel.value, state.video.value);
  edit({
    prompts: promptsOf(prompt),
    ...(model === state.draft.value.model ? {} : withModel(model)),
  });
  void start();
}

/** Puts a stream on screen: under the control of the form, if the page started it or took it over. */
export function show(stream: Stream, input: state.Input): void {
  const { manifest_id: id } = stream;
  state.samples.value = [];
  served = formKey(stream);
  state.behind.value = null;
  state.problem.value = null;
  state.graphVerdict.value = null;
  rememberOnScreen(id);
  const kind = isControlled(id) ? "controlled" : "watched";
  state.onScreen.value = { kind, id, channel: channelOf(stream), input };
}

/** Starts a stream from the form. */
export async function start(): Promise<void> {
  const before = state.onScreen.value;
  if (before.kind === "starting") return;
  state.problem.value = null;
  state.graphVerdict.value = unreadableGraph();
  if (state.graphVerdict.value !== null) return;
  state.onScreen.value = { kind: "starting" };
  const ending = new AbortController();
  let asked = state.draft.value;
  try {
    adopt(withFirstPrompt(state.draft.value, state.video.value));
    adopt({ values: sendable(state.draft.value.values), measured: false });
    asked = state.draft.value;
    const model = state.chosenModel.value;
    const url = `${ownChannels}/playground-${crypto.randomUUID().slice(0, 8)}`;
    const input = await openInput(asked, `${url}-camera`, ending.signal);
    const from = input.kind === "none" ? null : input.url;
    const { stream, warnings = [] } = await api.start(startBody(asked, model, url, from));
    rememberUploads(asked.values, stream);
    endings.set(stream.manifest_id, ending);
    inputs.set(stream.manifest_id, input);
    rememberControlled({ id: stream.manifest_id, camera: input.kind === "camera" });
    // The list may have been read since the stream began.
    const others = state.streams.value.filter(({ manifest_id: id }) => id !== stream.manifest_id);
    state.streams.value = [stream, ...others];
    show(stream, input);
    state.applied.value = asked;
    state.graphVerdict.value = { draft: asked, problems: warnings, refusal: null };
    await sendChange(); // the form may have changed meanwhile
  } catch (error) {
    ending.abort();
    state.onScreen.value = before;
    refused(error, asked);
  }
}

/** Why the text of the graph cannot be sent; null if it can, and for an empty one, which an example replaces. */
function unreadableGraph(): GraphVerdict | null {
  const { fault } = state.graphReading.value;
  const draft = state.draft.value;
  if (!isGraphModel(draft.model) || fault === null || fault.kind === "empty") return null;
  return { draft, problems: [], refusal: fault.message };
}

async function openInput(asked: Draft, url: string, signal: AbortSignal): Promise<state.Input> {
  switch (asked.source) {
    case "none":
      return { kind: "none" };
    case "camera": {
      const channel = new URL(url).pathname;
      const token = () => state.token.value;
      const marker = () => (isMeasured(url) ? markerTime(state.serverNow()) : null);
      const preview = await openCamera({ channel, token, marker, signal });
      return { kind: "camera", url, preview };
    }
    case "channel": {
      const channel = localChannel(asked.inputUrl);
      // The server reads its own channel at its own address, which may differ from the page's.
      const here = channel === null ? null : new URL(channel, ownChannels).href;
      return { kind: "channel", url: here ?? asked.inputUrl, channel };
    }
  }
}

/** Whether a stream with this input keeps the markers of its frames. */
const isMeasured = (url: string): boolean =>
  state.streams.value.some(
    ({ input_url, params }) => input_url === url && params.marker === "input",
  );

export async function stop(id: string): Promise<void> {
  try {
    await api.stop(id);
    state.streams.value = state.streams.value.filter((stream) => stream.manifest_id !== id);
    if (state.streamOnScreen.value?.id === id) clearScreen();
  } catch (error) {
    failed(error);
  } finally {
    release(id);
  }
}

/** Shows no stream; those that run keep running. */
export function clearScreen(): void {
  rememberOnScreen(null);
  state.onScreen.value = { kind: "nothing" };
}

/** Closes the camera and whatever else was opened for a stream. */
export function release(id: string): void {
  endings.get(id)?.abort();
  endings.delete(id);
  inputs.delete(id);
}

/** Changes the form, and with it the stream on screen. */
export function edit(patch: Partial<Draft>): void {
  state.draft.value = { ...state.draft.value, ...patch };
  if (state.isControlling.value) void sendChange();
  else if (state.problem.value?.code !== "unreachable") state.problem.value = null;
}

/** As `edit`, for text that is being typed: the stream changes at a pause. */
export function editText(patch: Partial<Draft>): void {
  if (state.isControlling.value) {
    state.draft.value = { ...state.draft.value, ...patch };
    clearTimeout(settling);
    settling = setTimeout(() => void sendChange(), TYPING_MS);
  } else edit(patch);
}

/** Updates the form when somebody else has changed the stream that it controls, unless a change is pending here. */
export function follow(stream: Stream, askedAt: number): void {
  const key = formKey(stream);
  if (key === served || sending || askedAt < answeredAt) return;
  if (state.draft.value !== state.applied.value) return;
  served = key;
  adoptForm(stream);
}

/** Fills the form with a stream's settings. */
export function adoptForm(stream: Stream, patch: Partial<Draft> = {}): void {
  const form = formOf(stream, state.models.value);
  const { graph } = state.draft.value;
  // The same graph keeps the text that the user wrote.
  const own = "graph" in form && isSameGraph(graph, form.graph) ? { graph } : {};
  adopt({ ...patch, ...form, ...own, values: withUploads(form.values) });
}

const formKey = (stream: Stream): string => JSON.stringify(formOf(stream, state.models.value));

/** Changes the form without sending anything: the stream has these values already. */
export function adopt(patch: Partial<Draft>): void {
  state.draft.value = { ...state.draft.value, ...patch };
  state.applied.value = state.draft.value;
}

/**
 * Sends what differs from the applied draft. One request at a time; later edits go with the next. What was refused is sent
 * again with the next edit: until then the stream runs with what it had.
 */
export async function sendChange(): Promise<void> {
  clearTimeout(settling);
  const screen = state.onScreen.value;
  const wanted = state.draft.value;
  const before = state.applied.value;
  const body = changeBody(before, wanted, state.chosenModel.value);
  if (screen.kind !== "controlled" || sending || Object.keys(body).length === 0) return;
  sending = true;
  try {
    const { stream, warnings = [] } = await api.change(screen.id, body);
    if (state.applied.value === before) state.applied.value = wanted; // otherwise another stream is on screen
    served = formKey(stream);
    rememberUploads(wanted.values, stream);
    state.problem.value = null;
    state.graphVerdict.value = { draft: wanted, problems: warnings, refusal: null };
    // The new model has those values of the old one that it takes, too.
    if (wanted.model !== before.model && state.draft.value === wanted) adoptForm(stream);
  } catch (error) {
    refused(error, wanted);
  } finally {
    sending = false;
    answeredAt = performance.now();
  }
  if (state.draft.value !== wanted) await sendChange();
}
