/** The large picture area: the output beside its input, or an invitation to start. */
import { start, startScene } from "../actions.ts";
import { exampleGraphs } from "../graph/examples.ts";
import { startGraph } from "../graph/graph-actions.ts";
import { isGraphModel } from "../graph/graph-model.ts";
import { watchable } from "../running-streams.ts";
import { showRunning } from "../screen.ts";
import {
  draft,
  models,
  nodeClasses,
  onScreen,
  type StreamOnScreen,
  shown,
  streams,
  tokenWanted,
  video,
} from "../state.ts";
import { titleOf } from "../stream-title.ts";
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
          {screen.again && (
            <button type="button" class="primary" onClick={() => void start()}>
              Start again
            </button>
          )}
        </section>
      );
    case "controlled":
    case "watched":
      return <OnStage screen={screen} />;
  }
}

function OnStage({ screen }: { screen: StreamOnScreen }) {
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
  const isGraph = isGraphModel(draft.value.model);
  if (tokenWanted.value)
    return (
      <section class="stage empty" aria-label="Picture">
        <h2>Describe a scene. Watch it live.</h2>
        <p>Enter the server's token to begin.</p>
      </section>
    );
  return (
    <section class="stage empty" aria-label="Picture">
      <h2>{isGraph ? "Run a graph. Watch it live." : "Describe a scene. Watch it live."}</h2>
      <p>Pick one to start, or {isGraph ? "paste" : "write"} your own.</p>
      <Chips chips={isGraph ? graphChips() : SCENES.map(sceneChip)} />
      {draft.value.source !== "none" && (
        <p class="hint">The video comes from the source you chose.</p>
      )}
      <Running />
    </section>
  );
}

interface Chip {
  readonly key: string;
  readonly name: string;
  readonly press: () => void;
}

const sceneChip = (scene: string): Chip => ({
  key: scene,
  name: scene,
  press: () => startScene(scene),
});

const graphChips = (): Chip[] =>
  exampleGraphs(nodeClasses.value)
    .filter(({ source }) => source === video.value)
    .map(({ name, json }) => ({ key: name, name, press: () => startGraph(json) }));

/** Running streams offered on the stage; the list below has all of them. */
const MAX_OFFERED = 4;

function Running() {
  const running = watchable(streams.value);
  if (running.length === 0) return null;
  const chips = running.slice(0, MAX_OFFERED).map((stream) => ({
    key: stream.manifest_id,
    name: titleOf(
      stream,
      models.value.find(({ name }) => name === stream.stats.model),
    ),
    press: () => showRunning(stream),
  }));
  return (
    <div class="running">
      <p>Or watch what is running:</p>
      <Chips chips={chips} />
      {running.length > MAX_OFFERED && (
        <p class="hint">{running.length - MAX_OFFERED} more are listed below.</p>
      )}
    </div>
  );
}

const Chips = ({ chips }: { chips: readonly Chip[] }) => (
  <ul class="scenes">
    {chips.map(({ key, name, press }) => (
      <li key={key}>
        <button type="button" class="chip" onClick={press}>
          {name}
        </button>
      </li>
    ))}
  </ul>
);
