/** Lists all streams that run on this server; each can be shown and stopped. */
import { stop } from "../actions.ts";
import type { Stream } from "../api.ts";
import { prepareNew, showRunning } from "../screen.ts";
import { isControlling, models, streamOnScreen, streams } from "../state.ts";
import { titleOf } from "../stream-title.ts";
import { focusForm } from "./focus-form.ts";

export function Streams() {
  return (
    <section class="streams" aria-labelledby="streams">
      <div class="head">
        <h2 id="streams">Running streams</h2>
        {isControlling.value && (
          <button
            type="button"
            class="quiet"
            onClick={() => {
              prepareNew();
              focusForm();
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
              current={streamOnScreen.value?.id === stream.manifest_id}
            />
          ))}
        </ul>
      )}
    </section>
  );
}

function Row({ stream, current }: { stream: Stream; current: boolean }) {
  const { manifest_id: id, metadata, stats, status } = stream;
  const title = titleOf(
    stream,
    models.value.find(({ name }) => name === stats.model),
  );
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
          {stats.model} · {metadata.width !== null && `${metadata.width} × ${metadata.height} · `}
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
