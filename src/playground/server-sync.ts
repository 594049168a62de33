/** Keeps the page's state in step with the server by polling: streams, health, models, and the stream on screen. */

import type { Health, Model } from "./api.ts";
import { delay } from "./delay.ts";
import { failed, renewPageToken } from "./failures.ts";
import { adopt, follow } from "./form-changes.ts";
import { isGraphModel } from "./graph/graph-model.ts";
import { release } from "./inputs.ts";
import { firstModel } from "./model-choice.ts";
import { api } from "./page-api.ts";
import { isLive } from "./running-streams.ts";
import { withSample } from "./samples.ts";
import { resume, showEnd, watchOnly } from "./screen.ts";
import { betterClock, clockEstimate } from "./server-clock.ts";
import * as state from "./state.ts";

const REFRESH_MS = 1000;
/** Models and health change rarely: they are polled at every so many refreshes, unless a model loads. */
const RARELY = 5;

/** Whether `resume` was called: after the first list of streams, which may need a token. */
let isResumed = false;

/** Polls the server until the signal aborts. */
export async function followServer(signal: AbortSignal): Promise<void> {
  for (let round = 0; !signal.aborted; round++) {
    const isDue = round % RARELY === 0 || isLoading();
    await refresh(isDue ? "all" : "streams").catch(failed);
    await delay(REFRESH_MS, signal).catch(() => {}); // the loop checks the signal
  }
}

/** Whether a model is loading, or the one of the stream on screen is about to. */
function isLoading(): boolean {
  const shown = state.models.value.find(({ name }) => name === state.shown.value?.stats.model);
  const isCold = shown?.state === "cold" && !isGraphModel(shown.name);
  return state.warmingSince.value.size > 0 || isCold;
}

async function refresh(what: "all" | "streams"): Promise<void> {
  const first = state.health.value === null;
  const askedAt = performance.now();
  const healthAndModels = async () => {
    const [health, models] = await Promise.all([timedHealth(), api.models()]);
    state.health.value = health;
    state.warmingSince.value = stillWarming(models);
    state.models.value = models;
    if (state.draft.value.model === "" && state.models.value.length > 0)
      adopt({ model: firstModel(state.models.value, state.video.value) });
  };
  const rest = what === "all" || first ? healthAndModels() : null;
  const [live] = await Promise.all([api.streams(), rest]);
  state.streams.value = live.toSorted((a, b) => b.created_at.localeCompare(a.created_at));
  state.tokenWanted.value = false;
  if (state.problem.value?.code === "unreachable") {
    await renewPageToken();
    state.problem.value = null;
  }
  if (!isResumed) {
    isResumed = true;
    if (state.onScreen.value.kind === "nothing") await resume();
  }
  await refreshShown(askedAt);
}

/** The server's health, which carries its time. */
async function timedHealth(): Promise<Health> {
  const sent = Date.now();
  const health = await api.health();
  const clock = clockEstimate({ sent, answered: Date.now(), server: Date.parse(health.timestamp) });
  state.serverClock.value = betterClock(state.serverClock.value, clock);
  return health;
}

function stillWarming(models: readonly Model[]): ReadonlyMap<string, number> {
  const before = state.warmingSince.value;
  const warming = models.filter((model) => model.state === "warming");
  return new Map(warming.map(({ name }) => [name, before.get(name) ?? performance.now()]));
}

/** Updates the figures of the stream on screen, or shows why it has ended. */
async function refreshShown(askedAt: number): Promise<void> {
  const screen = state.onScreen.value;
  if (screen.kind !== "controlled" && screen.kind !== "watched") return;
  const stream = state.shown.value;
  if (stream !== null) {
    state.samples.value = withSample(state.samples.value, stream, state.delay.value);
    if (screen.kind === "controlled") follow(stream, askedAt);
    return;
  }
  const last = await api.stream(screen.id).catch(() => null);
  if (state.onScreen.value !== screen) return;
  // The list may have been asked for before the stream began.
  if (last !== null && isLive(last)) return;
  // A restarted server does not know it, and may have other streams.
  if (last === null && watchOnly()) return release(screen.id);
  showEnd(screen, last);
}
/** Uses the token for all further requests. */
export async function useToken(token: string): Promise<void> {
  state.typedToken.value = token;
  sessionStorage.setItem("token", token);
  state.problem.value = null;
  await refresh("all").catch(failed);
}
