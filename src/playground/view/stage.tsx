/** The large picture area: the output beside its input, or an invitation to start. */
import { start, startScene } from "../actions.ts";
import { draft, onScreen, shown } from "../state.ts";
import { CameraPicture, LivePicture } from "./picture.tsx";

const SCENES = [
  "a beautiful landscape at sunrise",
  "city at night in the rain",
  "underwater coral reef",
  "northern lights over a frozen lake",
];

export function Stage() {
  const screen = onScreen.value;
  switch (screen.kind) {
    case "nothing":
      return <Invitation />;
    case "starting":
      return (
        <section class="stage empty" aria-label="Picture">
          <p class="starting" role="status">
            <span class="spinner" aria-hidden="true" /> Starting …
          </p>
        </section>
      );
    case "ended":
      return (
        <section class="stage empty" aria-label="Picture">
          <h2>The stream has ended</h2>
          <p role="status">{screen.why}</p>
          <button type="button" class="primary" onClick={() => void start()}>
            Start again
          </button>
        </section>
      );
    case "stream":
      return <Running screen={screen} />;
  }
}

function Running({ screen }: { screen: Extract<typeof onScreen.value, { kind: "stream" }> }) {
  const stream = shown.value;
  const { input } = screen;
  const beside = input.kind === "camera" || (input.kind === "channel" && input.channel !== null);
  return (
    <section class={`stage ${beside ? "two" : "one"}`} aria-label="Picture">
      {input.kind === "camera" && <CameraPicture preview={input.preview} />}
      {input.kind === "channel" && input.channel !== null && (
        <LivePicture key={input.channel} channel={input.channel} shows="input" />
      )}
      {screen.channel === null ? (
        <div class="picture elsewhere">
          <p>
            {stream?.stream_url
              ? `This stream is published to another server: ${stream.stream_url}`
              : "This stream belongs to an orchestrator. Its channels are not shown here."}
          </p>
        </div>
      ) : (
        <LivePicture key={screen.channel} channel={screen.channel} shows="output" />
      )}
    </section>
  );
}

function Invitation() {
  return (
    <section class="stage empty" aria-label="Picture">
      <h2>Describe a scene. Watch it live.</h2>
      <p>Pick one to start, or write your own.</p>
      <ul class="scenes">
        {SCENES.map((scene) => (
          <li key={scene}>
            <button type="button" class="chip" onClick={() => startScene(scene)}>
              {scene}
            </button>
          </li>
        ))}
      </ul>
      {draft.value.source !== "none" && (
        <p class="hint">The video comes from the source you chose.</p>
      )}
    </section>
  );
}
