/** The whole page: header, stage, form, streams, commands. */
import { dismissAlert } from "../failures.ts";
import { alert, health, problem, streamOnScreen, tokenWanted } from "../state.ts";
import { Commands } from "./commands.tsx";
import { Cross } from "./cross.tsx";
import { Data } from "./data.tsx";
import { Figures } from "./figures.tsx";
import { Form } from "./form.tsx";
import { GraphDrop } from "./graph/graph-drop.tsx";
import { Models } from "./models.tsx";
import { Stage } from "./stage.tsx";
import { Streams } from "./streams.tsx";
import { TokenForm } from "./token-form.tsx";
import { Watching } from "./watching.tsx";

export function App() {
  return (
    <>
      <header class="top">
        <h1>
          <svg viewBox="0 0 32 32" aria-hidden="true">
            <rect width="32" height="32" rx="9" />
            <path d="M12.2 9.6v12.8L22.8 16z" />
          </svg>
          comfystream
        </h1>
        <ServerState />
        <nav aria-label="Server">
          <a href="/openapi">API</a>
        </nav>
      </header>
      <main>
        <div class="seen">
          <Stage />
          {streamOnScreen.value !== null && (
            <div class="measured">
              <Data />
              <Figures />
            </div>
          )}
        </div>
        <div class="asked">
          <ProblemBox />
          <Watching />
          {tokenWanted.value ? <TokenForm /> : <Form />}
          {tokenWanted.value || <GraphDrop />}
        </div>
        {tokenWanted.value || (
          <div class="more">
            <div class="column">
              <Streams />
              <Commands />
            </div>
            <Models />
          </div>
        )}
      </main>
    </>
  );
}

function ServerState() {
  const now = health.value;
  if (problem.value?.code === "unreachable") return <Lamp kind="ill" words="Not responding" />;
  if (tokenWanted.value) return <Lamp kind="" words="Token required" />;
  if (now === null) return <Lamp kind="" words="Connecting …" />;
  const places = now.capacity - now.active_streams;
  const words = {
    ERROR: "Engine unavailable",
    LOADING: "Loading …",
    IDLE: "Ready",
    OK: places > 0 ? `${places} of ${now.capacity} places free` : "All places taken",
  }[now.status];
  return <Lamp kind={now.healthy ? "well" : "ill"} words={words} />;
}

const Lamp = ({ kind, words }: { kind: "well" | "ill" | ""; words: string }) => (
  <p class={`server ${kind}`}>
    <i aria-hidden="true" />
    {words}
  </p>
);

function ProblemBox() {
  const now = alert.value;
  return (
    <div role="alert">
      {now !== null && (
        <div class="problem">
          <p>
            <strong>{now.what}</strong> {now.advice}
          </p>
          <Cross label="Dismiss" press={dismissAlert} />
        </div>
      )}
    </div>
  );
}
