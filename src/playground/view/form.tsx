/** The form: prompt, source, model, size and the model's parameters. */
import { edit, modelFor, sendChange, start, stop } from "../actions.ts";
import { FIRST_PROMPT, MAX_PROMPT, SIZES, type Source } from "../draft.ts";
import { usable } from "../start-body.ts";
import { chosenModel, draft, health, models, onScreen, streams } from "../state.ts";
import { Sliders } from "./sliders.tsx";

const SOURCES: readonly { source: Source; label: string }[] = [
  { source: "none", label: "Imagined" },
  { source: "camera", label: "My camera" },
  { source: "channel", label: "A stream" },
];

export function Form() {
  const screen = onScreen.value;
  return (
    <form
      class="form"
      aria-label="What to show"
      onSubmit={(event) => {
        event.preventDefault();
        if (screen.kind === "stream") void sendChange();
        else void start();
      }}
    >
      <Scene />
      <Sources locked={screen.kind === "stream" || screen.kind === "starting"} />
      <ModelChoice />
      <Sliders />
      <div class="go">
        {screen.kind === "stream" ? (
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

function Scene() {
  return (
    <label class="scene">
      <span>Describe a scene</span>
      <textarea
        rows={3}
        value={draft.value.prompt}
        placeholder={FIRST_PROMPT}
        maxLength={MAX_PROMPT}
        dir="auto"
        enterkeyhint="go"
        onInput={({ currentTarget }) => edit({ prompt: currentTarget.value })}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          event.currentTarget.form?.requestSubmit();
        }}
      />
    </label>
  );
}

function Sources({ locked }: { locked: boolean }) {
  const { source, inputUrl } = draft.value;
  const camera = isSecureContext && "VideoEncoder" in globalThis;
  return (
    <fieldset class="sources" disabled={locked} title={locked ? "Stop to change this" : ""}>
      <legend>Video from</legend>
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
              <option key={id} value={url ?? undefined} label={metadata.prompts?.[0]?.prompt} />
            ))}
          </datalist>
        </label>
      )}
    </fieldset>
  );
}

function ModelChoice() {
  const { model, size, source } = draft.value;
  const groups = [
    { label: "Generate video", withVideo: false },
    { label: "Transform video", withVideo: true },
  ];
  const sizes = SIZES.some((one) => one === size) ? SIZES : [size, ...SIZES];
  return (
    <>
      <div class="pair">
        <label>
          <span>Model</span>
          <select
            value={model}
            onChange={({ currentTarget }) => edit({ model: currentTarget.value, values: {} })}
          >
            {groups.map(({ label, withVideo }) => (
              <optgroup key={label} label={label}>
                {models.value
                  .filter((one) => one.takes_video === withVideo)
                  .map((one) => (
                    <option key={one.name} value={one.name} disabled={!usable(one)}>
                      {one.name}
                      {usable(one) ? "" : " (failed)"}
                    </option>
                  ))}
              </optgroup>
            ))}
          </select>
        </label>
        <label>
          <span>Size</span>
          <select
            value={size}
            onChange={({ currentTarget }) => edit({ size: currentTarget.value })}
          >
            {sizes.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
      </div>
      <p class="hint">
        {chosenModel.value?.description}
        {chosenModel.value?.takes_prompts === false && " It ignores the prompt."}
        {chosenModel.value?.takes_video &&
          source === "none" &&
          " Its input is a moving test picture."}
      </p>
    </>
  );
}
