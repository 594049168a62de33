/** The form: what to draw, where the video comes from, and the model with its size and parameters. */
import { modelFor, start, stop } from "../actions.ts";
import type { Source } from "../draft.ts";
import { edit, sendChange } from "../form-changes.ts";
import { isGraphModel } from "../graph/graph-model.ts";
import { chosenModel, draft, health, onScreen, streams } from "../state.ts";
import { promptTitle } from "../stream-title.ts";
import { GraphEditor } from "./graph/graph-editor.tsx";
import { GraphNodes } from "./graph/graph-nodes.tsx";
import { ModelChoice } from "./model-choice.tsx";
import { Params } from "./params.tsx";
import { Scene } from "./prompts.tsx";

const SOURCES: readonly { source: Source; label: string }[] = [
  { source: "none", label: "Imagined" },
  { source: "camera", label: "My camera" },
  { source: "channel", label: "A stream" },
];

export function Form() {
  const screen = onScreen.value;
  const isGraph = isGraphModel(draft.value.model);
  return (
    <form
      class="form"
      aria-label="What to show"
      // The server says what is wrong, and at which node; the browser's own check stops at inputs that are folded away.
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (screen.kind === "controlled") void sendChange();
        else void start();
      }}
    >
      {isGraph ? <GraphEditor /> : chosenModel.value?.takes_prompts !== false && <Scene />}
      <Sources locked={screen.kind === "controlled" || screen.kind === "starting"} />
      <ModelChoice />
      {isGraph ? <GraphNodes /> : <Params />}
      <div class="go">
        {screen.kind === "controlled" ? (
          <button type="button" class="primary stop" onClick={() => void stop(screen.id)}>
            Stop
          </button>
        ) : (
          <button
            type="submit"
            class="primary"
            disabled={screen.kind === "starting" || health.value === null}
          >
            {screen.kind === "starting" ? "Starting …" : "Start"}
          </button>
        )}
      </div>
    </form>
  );
}

function Sources({ locked }: { locked: boolean }) {
  const { source, inputUrl } = draft.value;
  const camera = isSecureContext && "VideoEncoder" in globalThis;
  return (
    <fieldset class="sources" disabled={locked}>
      <legend>
        Video from
        {locked && <small>stop to change</small>}
      </legend>
      <div class="segments">
        {SOURCES.map(({ source: one, label }) => (
          <label key={one}>
            <input
              type="radio"
              name="source"
              value={one}
              checked={source === one}
              disabled={one === "camera" && !camera}
              onChange={() => edit({ source: one, ...modelFor(one) })}
            />
            <span class="word">{label}</span>
          </label>
        ))}
      </div>
      {!camera && (
        <p class="hint">The camera needs HTTPS or localhost and a browser that encodes H.264.</p>
      )}
      {source === "channel" && (
        <label>
          <span>Trickle channel</span>
          <input
            type="url"
            required
            value={inputUrl}
            placeholder={`${location.origin}/trickle/camera`}
            list="channels"
            onInput={({ currentTarget }) => edit({ inputUrl: currentTarget.value })}
          />
          <datalist id="channels">
            {streams.value.map(({ manifest_id: id, stream_url: url, metadata }) => (
              <option
                key={id}
                value={url ?? undefined}
                label={promptTitle(metadata)?.slice(0, 80)}
              />
            ))}
          </datalist>
        </label>
      )}
    </fieldset>
  );
}
