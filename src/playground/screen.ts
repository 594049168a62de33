/** Chooses what is on screen: a stream that runs, one that has ended, or nothing. */
import { clearScreen, modelFor, show } from "./actions.ts";
import type { Stream } from "./api.ts";
import { adopt, adoptForm } from "./form-changes.ts";
import { hasInput, inputOf, release } from "./inputs.ts";
import { api } from "./page-api.ts";
import { isLive, watchable } from "./running-streams.ts";
import { sentence } from "./sentence.ts";
import * as state from "./state.ts";
import { isControlled, lastOnScreen, rememberControlled, usedCamera } from "./tab-streams.ts";

/** After the page was loaded: shows the stream that this tab had on screen, or why it has ended. */
export async function resume(): Promise<void> {
  const id = lastOnScreen();
  const running = state.streams.value.find(({ manifest_id }) => manifest_id === id);
  const stream = running ?? (id === null ? null : await api.stream(id).catch(() => null));
  if (state.onScreen.value.kind !== "nothing") return; // the user was quicker
  if (stream !== null && isLive(stream)) return showRunning(stream);
  if (stream === null || !isControlled(stream.manifest_id)) return void watchOnly();
  controlForm(stream);
  showEnd({ kind: "controlled", id: stream.manifest_id }, stream);
}

/** Shows the running stream if there is only one to watch; false otherwise: the user chooses. */
export function watchOnly(): boolean {
  const [stream, ...others] = watchable(state.streams.value);
  if (stream === undefined || others.length > 0) return false;
  showRunning(stream);
  return true;
}

/** Puts a running stream on screen and, if this page controls it, its parameters into the form. */
export function showRunning(stream: Stream): void {
  show(stream);
  if (state.isControlling.value) controlForm(stream);
}

/** Lets the form change the stream that was only watched. */
export function takeControl(stream: Stream): void {
  rememberControlled({ id: stream.manifest_id, camera: false });
  showRunning(stream);
}

/** Fills the form with what the stream runs with. */
function controlForm(stream: Stream): void {
  const { kind, ...input } = inputOf(stream);
  // It starts again with the camera.
  const source = usedCamera(stream.manifest_id) ? "camera" : kind;
  adoptForm(stream, { source, ...("url" in input ? { inputUrl: input.url } : {}) });
}

/** Shows why a stream has ended. `last` is its last state; null if the server no longer knows it. */
export function showEnd(
  { kind, id }: { readonly kind: "controlled" | "watched"; readonly id: string },
  last: Stream | null,
): void {
  const lostCamera = usedCamera(id) && !hasInput(id);
  release(id);
  state.onScreen.value = {
    kind: "ended",
    why:
      last === null
        ? "The server no longer knows it."
        : lostCamera
          ? "Reloading the page turned your camera off. Start again to turn it on."
          : sentence(last.error ?? "it was stopped"),
    again: kind === "controlled",
  };
}

/** Clears the stage for a new stream without input; the stream on screen keeps running. */
export function prepareNew(): void {
  clearScreen();
  state.problem.value = null;
  adopt({ source: "none", inputUrl: "", ...modelFor("none") });
}
