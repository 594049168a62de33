/** The text of a graph: written, pasted, dropped or opened from a file, with what is wrong with it. */
import { useEffect, useRef } from "preact/hooks";
import { edit, editText } from "../../form-changes.ts";
import { exampleGraphs } from "../../graph/examples.ts";
import { loadNodeClasses, takeGraphFile } from "../../graph/graph-actions.ts";
import { isSameGraph } from "../../graph/graph-text.ts";
import {
  draft,
  graphFaults,
  graphReading,
  isControlling,
  models,
  nodeClasses,
  video,
} from "../../state.ts";
import { Presets, SavePreset } from "../presets.tsx";

export function GraphEditor() {
  const { graph } = draft.value;
  const { fault } = graphReading.value;
  const field = useRef<HTMLTextAreaElement>(null);
  // A new model is a new choice for loaders.
  const count = models.value.length;
  useEffect(() => void loadNodeClasses(), [count]);
  const examples = exampleGraphs(nodeClasses.value)
    .filter(({ source }) => source === video.value)
    .map(({ name, json }) => ({
      name,
      isInUse: isSameGraph(graph, json),
      choose: () => edit({ graph: json }),
    }));
  return (
    <div class="graph">
      <div class="graph-head">
        <label for="graph-text">ComfyUI graph</label>
        <OpenFile />
        <SavePreset />
      </div>
      <textarea
        ref={field}
        id="graph-text"
        class="graph-text"
        rows={9}
        wrap="off"
        spellcheck={false}
        autocapitalize="off"
        value={graph}
        placeholder="Paste a graph in API format, or drop its file or a picture that ComfyUI saved."
        aria-invalid={fault !== null && fault.kind !== "empty"}
        aria-describedby="graph-fault"
        onInput={({ currentTarget }) => editText({ graph: currentTarget.value })}
      />
      <div id="graph-fault" class="graph-fault" role="status">
        {fault !== null && fault.kind !== "empty" && (
          <p>
            {fault.message}
            {isControlling.value && " The stream goes on as it was."}
          </p>
        )}
        {fault?.kind === "syntax" && (
          <button
            type="button"
            class="quiet"
            onClick={() => field.current && showPlace(field.current, fault.offset)}
          >
            Show
          </button>
        )}
        {graphFaults.value.others.map((text) => (
          <p key={text}>{text}</p>
        ))}
      </div>
      <Presets given={examples} />
    </div>
  );
}

function OpenFile() {
  return (
    <label class="quiet open">
      Open a file
      <input
        type="file"
        accept=".json,.png,application/json,image/png"
        onChange={({ currentTarget }) => {
          const [file] = currentTarget.files ?? [];
          if (file === undefined) return;
          void takeGraphFile(file).finally(() => {
            currentTarget.value = ""; // the same file can be chosen again
          });
        }}
      />
    </label>
  );
}

/** Selects the character and scrolls its line into view. */
function showPlace(field: HTMLTextAreaElement, offset: number): void {
  const lines = field.value.split("\n").length;
  const line = field.value.slice(0, offset).split("\n").length;
  field.focus();
  field.setSelectionRange(offset, offset + 1);
  field.scrollTop = (line / lines) * field.scrollHeight - field.clientHeight / 2;
}
