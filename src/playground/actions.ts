/** Starts, shows and stops streams on the user's behalf. */
import type { Problem } from "./advice.ts";
import type { Stream } from "./api.ts";
import { channelOf, ownChannels } from "./channels.ts";
import { type Draft, withModel } from "./draft.ts";
import { failed, refused } from "./failures.ts";
import { withFirstPrompt } from "./first-prompt.ts";
import { adopt, edit, sendChange, takeAsServed } from "./form-changes.ts";
import { isGraphModel } from "./graph/graph-model.ts";
import type { GraphVerdict } from "./graph/graph-verdict.ts";
import { inputOf, openInput, release, retain } from "./inputs.ts";
import { firstModel, fits, promptedModel } from "./model-choice.ts";
import { api } from "./page-api.ts";
import { promptsOf } from "./prompts.ts";
import { sendable, startBody } from "./start-body.ts";
import * as state from "./state.ts";
import { isControlled, rememberControlled, rememberOnScreen } from "./tab-streams.ts";
import { rememberUploads } from "./uploads.ts";

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
export function show(stream: Stream): void {
  const { manifest_id: id } = stream;
  state.samples.value = [];
  takeAsServed(stream);
  state.behind.value = null;
  state.problem.value = null;
  state.graphVerdict.value = null;
  rememberOnScreen(id);
  const kind = isControlled(id) ? "controlled" : "watched";
  state.onScreen.value = { kind, id, channel: channelOf(stream), input: inputOf(stream) };
}

/** Starts a stream from the form. */
export async function start(): Promise<void> {
  const before = state.onScreen.value;
  if (before.kind === "starting") return;
  state.problem.value = missingInput();
  state.graphVerdict.value = unreadableGraph();
  if (state.problem.value !== null || state.graphVerdict.value !== null) return;
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
    retain(stream.manifest_id, { input, ending });
    rememberControlled({ id: stream.manifest_id, camera: input.kind === "camera" });
    // The list may have been read since the stream began.
    const others = state.streams.value.filter(({ manifest_id: id }) => id !== stream.manifest_id);
    state.streams.value = [stream, ...others];
    show(stream);
    state.applied.value = asked;
    state.graphVerdict.value = { draft: asked, problems: warnings, refusal: null };
    await sendChange(); // the form may have changed meanwhile
  } catch (error) {
    ending.abort();
    if (state.onScreen.value.kind === "starting") state.onScreen.value = before;
    refused(error, asked);
  }
}

/** The problem with a stream as source that is not named. */
function missingInput(): Problem | null {
  const { source, inputUrl } = state.draft.value;
  if (source !== "channel" || inputUrl.trim() !== "") return null;
  return {
    code: "no_input",
    what: "Which stream is the video from?",
    advice: "Enter the address of a trickle channel, or choose one of the streams that run here.",
  };
}

/** Why the text of the graph cannot be sent; null if it can, and for an empty one, which an example replaces. */
function unreadableGraph(): GraphVerdict | null {
  const { fault } = state.graphReading.value;
  const draft = state.draft.value;
  if (!isGraphModel(draft.model) || fault === null || fault.kind === "empty") return null;
  return { draft, problems: [], refusal: fault.message };
}

/** Stops a stream, whether it is on screen or not. */
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
