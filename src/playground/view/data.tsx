/** What the model of the stream on screen says of its frames: labels with scores, numbers, or other values. */
import { useEffect, useState } from "preact/hooks";
import {
  type DataEvent,
  type DataValue,
  followData,
  isNumbers,
  isScores,
  newestOf,
} from "../data-events.ts";
import { type DataSource, shownData, token } from "../state.ts";

/** Values that change faster cannot be read. */
const EVERY_MS = 200;
/** Labels and numbers shown of a value. */
const MAX_LABELS = 8;
const MAX_NUMBERS = 24;

/** Nothing for a model without data outputs. */
export function Data() {
  const source = shownData.value;
  return source === null ? null : <Readings key={`${source.id} ${source.model}`} source={source} />;
}

function Readings({ source: { id, outputs } }: { source: DataSource }) {
  const [event, setEvent] = useState<DataEvent | null>(null);
  useEffect(() => {
    const over = new AbortController();
    const url = `/stream/${encodeURIComponent(id)}/data`;
    const onEvent = newestOf(EVERY_MS, setEvent);
    void followData({ url, token: () => token.value, signal: over.signal, onEvent });
    return () => over.abort();
  }, [id]);
  const names = event === null ? outputs : Object.keys(event.values);
  return (
    <section class="data" aria-label="Data">
      {names.map((name) => (
        <div key={name} class="output">
          <h2>{name}</h2>
          {event?.values[name] === undefined ? (
            <p class="hint">Waiting for the first frame …</p>
          ) : (
            <Reading value={event.values[name]} />
          )}
        </div>
      ))}
      {event !== null && <p class="hint">At {event.seconds.toFixed(1)} s of the stream</p>}
    </section>
  );
}

function Reading({ value }: { value: DataValue }) {
  if (isNumbers(value)) {
    const rest = value.length - MAX_NUMBERS;
    return (
      <p class="readings">
        {value.slice(0, MAX_NUMBERS).map(shortNumber).join("  ")}
        {rest > 0 && ` … and ${rest} more`}
        {value.length === 0 && "None"}
      </p>
    );
  }
  if (!isScores(value)) return <p class="readings">{JSON.stringify(value)}</p>;
  return (
    <ul>
      {value.slice(0, MAX_LABELS).map(({ label, score }) => (
        <li key={label}>
          <span class="label">{label}</span>
          <span class="score">{score.toFixed(2)}</span>
          <i aria-hidden="true" style={{ "--score": Math.min(1, Math.max(0, score)) }} />
        </li>
      ))}
    </ul>
  );
}

const shortNumber = (value: number): string => String(Number(value.toPrecision(3)));
