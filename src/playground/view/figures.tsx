/** Frame rate, latency and drops of the stream on screen over the last minute and a half. */
import { edit } from "../form-changes.ts";
import { canMeasureDelay } from "../media/delay-reader.ts";
import { delay, draft, isControlling, samples, shown } from "../state.ts";
import { Chart } from "./chart.tsx";

export function Figures() {
  const last = samples.value.at(-1);
  const stream = shown.value;
  const of = (pick: (sample: (typeof samples.value)[number]) => number | null) =>
    samples.value.map(pick);
  const restarts = stream?.stats.restarts ?? 0;
  const marker = stream?.params.marker ?? "none";
  const hasDelay = canMeasureDelay && (isControlling.value || marker !== "none");
  return (
    <section class={`figures ${hasDelay ? "four" : "three"}`} aria-label="Figures">
      <Figure name="Frames a second" value={last ? last.fps.toFixed(1) : "–"} note="">
        <Chart label="Frames a second" lines={[{ kind: "main", values: of(({ fps }) => fps) }]} />
      </Figure>
      <Figure
        name="Latency"
        value={ms(last?.p50)}
        note={last?.p95 == null ? "" : `p95 ${ms(last.p95)} · p99 ${ms(last.p99)}`}
      >
        <Chart
          label="Latency in milliseconds: median, 95 and 99 percent"
          lines={[
            { kind: "faint", values: of(({ p99 }) => p99) },
            { kind: "soft", values: of(({ p95 }) => p95) },
            { kind: "main", values: of(({ p50 }) => p50) },
          ]}
        />
      </Figure>
      <Figure
        name="Frames dropped"
        value={String(stream?.stats.frames_dropped ?? "–")}
        note={restarts > 0 ? `engine restarted ${restarts === 1 ? "once" : `${restarts} ×`}` : ""}
      >
        <Chart
          label="Frames dropped in each second"
          lines={[{ kind: "main", values: of(({ dropped }) => dropped) }]}
        />
      </Figure>
      {hasDelay && (
        <Figure
          name="Glass to glass"
          value={ms(delay.value)}
          note={DELAY_NOTES[marker]}
          action={isControlling.value && <Measure />}
        >
          <Chart
            label="Glass to glass in milliseconds"
            lines={[{ kind: "main", values: of((sample) => sample.delay) }]}
          />
        </Figure>
      )}
      {stream?.error !== undefined && (
        <p class="trouble" role="status">
          {stream.error}
        </p>
      )}
    </section>
  );
}

/** What is measured. */
const DELAY_NOTES = {
  none: "",
  input: "camera to screen",
  time: "engine to screen",
} as const;

/** Switches the marker on and off that tells how old a picture is. */
function Measure() {
  const { measured } = draft.value;
  return (
    <button
      type="button"
      class="quiet"
      aria-pressed={measured}
      title="Draws a marker into the corner of the picture"
      onClick={() => edit({ measured: !measured })}
    >
      Measure
    </button>
  );
}

interface FigureProps {
  readonly name: string;
  readonly value: string;
  readonly note: string;
  /** Beside the name. */
  readonly action?: preact.ComponentChildren;
  readonly children: preact.ComponentChildren;
}

function Figure({ name, value, note, action, children }: FigureProps) {
  return (
    <div class="figure">
      <div class="name">
        {name}
        {action}
      </div>
      <p class="value">
        <strong>{value}</strong> <small>{note}</small>
      </p>
      {children}
    </div>
  );
}

function ms(value: number | null | undefined): string {
  if (value == null) return "–";
  if (value >= 1000) return `${(value / 1000).toFixed(1)} s`;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}
