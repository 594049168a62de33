/** Lists all streams that run on this server; each can be shown and stopped. */
import { stop } from "../actions.ts";
import type { Stream } from "../api.ts";
import { prepareNew, showRunning } from "../server-sync.ts";
import { models, onScreen, streams } from "../state.ts";
import { titleOf } from "../stream-title.ts";

export function Streams() {
  const screen = onScreen.value;
  return (
    <section class="streams" aria-labelledby="streams">
      <div class="head">
        <h2 id="streams">Running streams</h2>
        {screen.kind === "stream" && (
          <button
            type="button"
            class="quiet"
            onClick={() => {
              prepareNew();
              // The button disappears: keep the keyboard focus in the form, which may get another model.
              requestAnimationFrame(() =>
                document.querySelector<HTMLElement>(".form :is(textarea, select)")?.focus(),
              );
            }}
          >
            New stream
          </button>
        )}
      </div>
      {streams.value.length === 0 ? (
        <p class="hint">None yet. Streams started here or through the API appear here.</p>
      ) : (
        <ul>
          {streams.value.map((stream) => (
            <Row
              key={stream.manifest_id}
              stream={stream}
              current={screen.kind === "stream" && screen.id === stream.manifest_id}
            />
          ))}
        </ul>
      )}
    </section>
  );
}

function Row({ stream, current }: { stream: Stream; current: boolean }) {
  const { manifest_id: id, metadata, stats, status } = stream;
  const model = models.value.find(({ name }) => name === stats.model);
  // A prompt that the model ignores does not describe the stream.
  const prompt = model?.takes_prompts === false ? undefined : titleOf(metadata)?.slice(0, 200);
  const title = prompt ?? metadata.capability ?? model?.name ?? id;
  return (
    <li>
      <button
        type="button"
        class="row"
        aria-current={current}
        onClick={() => {
          if (!current) showRunning(stream);
        }}
      >
        <span class="title">{title}</span>
        <span class="facts">
          {stats.model} · {metadata.width} × {metadata.height} ·{" "}
          {status === "active" ? `${stats.fps_out.toFixed(0)} fps` : status}
        </span>
      </button>
      <button
        type="button"
        class="quiet"
        aria-label={`Stop ${title}`}
        onClick={() => void stop(id)}
      >
        Stop
      </button>
    </li>
  );
}
