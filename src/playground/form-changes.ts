/** Keeps the form and the stream that it controls in step: sends changes of the form, and takes over changes made elsewhere. */
import type { Stream } from "./api.ts";
import type { Draft } from "./draft.ts";
import { refused } from "./failures.ts";
import { isSameGraph } from "./graph/graph-text.ts";
import { api } from "./page-api.ts";
import { changeBody, formOf } from "./start-body.ts";
import * as state from "./state.ts";
import { rememberUploads, withUploads } from "./uploads.ts";

/** Delay after the last key press before a prompt is sent. */
const TYPING_MS = 220;

let settling: ReturnType<typeof setTimeout> | undefined;
let sending = false;
/** The server's last version of the form of the stream on screen, and when it answered our last change. */
let served = "";
let answeredAt = 0;

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

/** The stream as it is now is no change by others. */
export function takeAsServed(stream: Stream): void {
  served = formKey(stream);
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
    takeAsServed(stream);
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
