/** All the page does: start, stop, change, watch, and keep up with the server. */
import { problemOf } from "./advice.ts";
import { ApiError, createApi, type Stream } from "./api.ts";
import { type Draft, FIRST_PROMPT } from "./draft.ts";
import { openCamera } from "./media/camera.ts";
import { pause } from "./pause.ts";
import { withSample } from "./samples.ts";
import { changeBody, firstModel, startBody, valuesOf } from "./start-body.ts";
import * as state from "./state.ts";

const REFRESH_MS = 1000;
/** Models and health change seldom: every so many refreshes. */
const SELDOM = 5;
/** Typing settles for so long before it is sent. */
const TYPING_MS = 220;

export const api = createApi(() => state.token.value);
/** The embedded trickle server as the server reaches itself. */
const ownChannels = document.body.dataset["channels"] ?? `${location.origin}/trickle`;
const endings = new Map<string, AbortController>();
/** What this page has opened for a stream, by the stream's id. */
const inputs = new Map<string, state.Input>();
/** The draft as the stream on screen has it. */
let applied = state.draft.value;
let settling: ReturnType<typeof setTimeout> | undefined;
let sending = false;

/** Follows the server until the page goes. */
export async function keepUp(signal: AbortSignal): Promise<void> {
  for (let round = 0; !signal.aborted; round++) {
    await refresh(round % SELDOM === 0).catch(failed);
    await pause(REFRESH_MS, signal).catch(() => {}); // the loop looks at the signal
  }
}

async function refresh(all: boolean): Promise<void> {
  const first = state.health.value === null;
  const seldom = async () => {
    [state.health.value, state.models.value] = await Promise.all([api.health(), api.models()]);
    if (state.draft.value.model === "" && state.models.value.length > 0)
      adopt({ model: firstModel(state.models.value, state.draft.value.source !== "none") });
  };
  const [live] = await Promise.all([api.streams(), all || first ? seldom() : null]);
  state.streams.value = live.toSorted((a, b) => b.created_at.localeCompare(a.created_at));
  state.tokenWanted.value = false;
  if (state.problem.value?.code === "unreachable") state.problem.value = null;
  if (first && state.onScreen.value.kind === "nothing") watchNewest();
  await look();
}

/** Figures of the stream on screen, or why it is gone. */
async function look(): Promise<void> {
  const screen = state.onScreen.value;
  if (screen.kind !== "stream") return;
  const stream = state.shown.value;
  if (stream !== null) {
    state.samples.value = withSample(state.samples.value, stream);
    return;
  }
  const last = await api.stream(screen.id).catch(() => null);
  if (state.onScreen.value !== screen) return;
  release(screen.id);
  // A server that was started anew knows nothing of it, and may have others.
  if (last === null && watchNewest()) return;
  const why = last?.error ?? (last === null ? "the server no longer knows it" : "it was stopped");
  state.onScreen.value = { kind: "ended", why };
}

/** The stream that was on screen before, or the newest; false if there is none to be seen. */
function watchNewest(): boolean {
  const before = sessionStorage.getItem("on-screen");
  const live = state.streams.value.filter(
    (stream) => channelOf(stream) !== null && stream.status === "active",
  );
  const stream = live.find(({ manifest_id: id }) => id === before) ?? live[0];
  if (stream) watch(stream);
  return stream !== undefined;
}

/** Puts a live stream on screen and its parameters into the form. */
export function watch(stream: Stream): void {
  const { metadata, params } = stream;
  const input = inputs.get(stream.manifest_id) ?? inputOf(stream);
  show(stream, input);
  adopt({
    source: input.kind,
    ...(input.kind === "channel" ? { inputUrl: input.url } : {}),
    prompt: metadata.prompts?.[0]?.prompt ?? "",
    model: params.model,
    values: valuesOf(stream, state.models.value),
    ...(metadata.width === null ? {} : { size: `${metadata.width} × ${metadata.height}` }),
  });
}

/** Where somebody else's stream reads from. */
function inputOf({ input_url: url }: Stream): state.Input {
  return url === null ? { kind: "none" } : { kind: "channel", url, channel: localChannel(url) };
}

/** Makes room for a new stream, imagined until something else is chosen; the one on screen goes on. */
export function leave(): void {
  state.onScreen.value = { kind: "nothing" };
  adopt({ source: "none", inputUrl: "", ...modelFor("none") });
}

/** A model that fits the source, if the chosen one does not. */
export function modelFor(source: Draft["source"]): Partial<Draft> {
  const withVideo = source !== "none";
  if (state.chosenModel.value?.takes_video === withVideo) return {};
  return { model: firstModel(state.models.value, withVideo), values: {} };
}

function show(stream: Stream, input: state.Input): void {
  const { manifest_id: id } = stream;
  state.samples.value = [];
  state.behind.value = null;
  sessionStorage.setItem("on-screen", id);
  state.onScreen.value = { kind: "stream", id, channel: channelOf(stream), input };
}

/** Starts what the form says. */
export async function start(): Promise<void> {
  if (state.onScreen.value.kind === "starting") return;
  state.problem.value = null;
  state.onScreen.value = { kind: "starting" };
  const ending = new AbortController();
  try {
    if (state.draft.value.prompt.trim() === "") adopt({ prompt: FIRST_PROMPT });
    const asked = state.draft.value;
    const url = `${ownChannels}/playground-${crypto.randomUUID().slice(0, 8)}`;
    const input = await openInput(asked, `${url}-camera`, ending.signal);
    const from = input.kind === "none" ? null : input.url;
    const stream = await api.start(startBody(asked, url, from));
    endings.set(stream.manifest_id, ending);
    inputs.set(stream.manifest_id, input);
    state.streams.value = [stream, ...state.streams.value];
    show(stream, input);
    applied = asked;
    await sendChange(); // what was typed meanwhile
  } catch (error) {
    ending.abort();
    state.onScreen.value = { kind: "nothing" };
    failed(error);
  }
}

async function openInput(asked: Draft, url: string, signal: AbortSignal): Promise<state.Input> {
  switch (asked.source) {
    case "none":
      return { kind: "none" };
    case "camera": {
      const channel = new URL(url).pathname;
      const token = () => state.token.value;
      return { kind: "camera", url, preview: await openCamera({ channel, token, signal }) };
    }
    case "channel": {
      const channel = localChannel(asked.inputUrl);
      // As the server reaches itself, whatever address the page has.
      const here = channel === null ? null : new URL(channel, ownChannels).href;
      return { kind: "channel", url: here ?? asked.inputUrl, channel };
    }
  }
}

export async function stop(id: string): Promise<void> {
  try {
    await api.stop(id);
    state.streams.value = state.streams.value.filter((stream) => stream.manifest_id !== id);
    const screen = state.onScreen.value;
    if (screen.kind === "stream" && screen.id === id) state.onScreen.value = { kind: "nothing" };
  } catch (error) {
    failed(error);
  } finally {
    release(id);
  }
}

/** Camera and all that was opened for a stream. */
function release(id: string): void {
  endings.get(id)?.abort();
  endings.delete(id);
  inputs.delete(id);
}

/** The form changed; a stream on screen follows. */
export function edit(patch: Partial<Draft>): void {
  state.draft.value = { ...state.draft.value, ...patch };
  if (state.onScreen.value.kind !== "stream") return;
  clearTimeout(settling);
  if ("prompt" in patch) settling = setTimeout(() => void sendChange(), TYPING_MS);
  else void sendChange();
}

/** The form follows the stream. */
function adopt(patch: Partial<Draft>): void {
  state.draft.value = { ...state.draft.value, ...patch };
  applied = state.draft.value;
}

/** One change at a time; what came meanwhile goes with the next. */
export async function sendChange(): Promise<void> {
  clearTimeout(settling);
  const screen = state.onScreen.value;
  const wanted = state.draft.value;
  const body = changeBody(applied, wanted);
  if (screen.kind !== "stream" || sending || Object.keys(body).length === 0) return;
  sending = true;
  try {
    applied = wanted;
    await api.change(screen.id, body);
    state.problem.value = null;
  } catch (error) {
    failed(error);
  } finally {
    sending = false;
  }
  if (state.draft.value !== wanted) await sendChange();
}

/** Takes the token for all that follows. */
export async function useToken(token: string): Promise<void> {
  state.token.value = token;
  sessionStorage.setItem("token", token);
  state.problem.value = null;
  await refresh(true).catch(failed);
}

function failed(error: unknown): void {
  if (error instanceof ApiError && error.wantsToken) {
    state.tokenWanted.value = true;
    return;
  }
  state.problem.value = problemOf(error);
}

/** Path of the stream's channel if this server has it. */
const channelOf = ({ stream_url: url }: Stream): string | null =>
  url === null ? null : localChannel(url);

function localChannel(url: string): string | null {
  const parsed = URL.parse(url, location.origin);
  if (!parsed?.pathname.startsWith("/trickle/")) return null;
  const here = [location.origin, new URL(ownChannels).origin];
  const sameServer = here.includes(parsed.origin) || isLoopbackHere(parsed);
  return sameServer ? parsed.pathname.replace(/\/+$/, "") : null;
}

/** `localhost` and `127.0.0.1` are one where the ports are. */
function isLoopbackHere({ hostname, port }: URL): boolean {
  return (
    ["localhost", "127.0.0.1", "[::1]"].includes(hostname) && port === new URL(ownChannels).port
  );
}
