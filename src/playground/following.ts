/** Keeps the page up with the server: streams, health, models, and what is on screen. */
import { adopt, api, failed, follow, inputs, modelFor, release, show } from "./actions.ts";
import type { Stream } from "./api.ts";
import { channelOf, localChannel } from "./channels.ts";
import { pause } from "./pause.ts";
import { withSample } from "./samples.ts";
import { firstModel, formOf } from "./start-body.ts";
import * as state from "./state.ts";

const REFRESH_MS = 1000;
/** Models and health change seldom: every so many refreshes. */
const SELDOM = 5;

/** Follows the server until the page goes. */
export async function keepUp(signal: AbortSignal): Promise<void> {
  for (let round = 0; !signal.aborted; round++) {
    await refresh(round % SELDOM === 0).catch(failed);
    await pause(REFRESH_MS, signal).catch(() => {}); // the loop looks at the signal
  }
}

async function refresh(all: boolean): Promise<void> {
  const first = state.health.value === null;
  const askedAt = performance.now();
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
  await look(askedAt);
}

/** Figures of the stream on screen, or why it is gone. */
async function look(askedAt: number): Promise<void> {
  const screen = state.onScreen.value;
  if (screen.kind !== "stream") return;
  const stream = state.shown.value;
  if (stream !== null) {
    state.samples.value = withSample(state.samples.value, stream);
    follow(stream, askedAt);
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
  const input = inputs.get(stream.manifest_id) ?? inputOf(stream);
  show(stream, input);
  adopt({
    source: input.kind,
    ...(input.kind === "channel" ? { inputUrl: input.url } : {}),
    ...formOf(stream, state.models.value),
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

/** Takes the token for all that follows. */
export async function useToken(token: string): Promise<void> {
  state.token.value = token;
  sessionStorage.setItem("token", token);
  state.problem.value = null;
  await refresh(true).catch(failed);
}
