/** Takes graphs that are dropped or pasted anywhere on the page; a whole graph replaces the one that is there. */
import { useEffect, useState } from "preact/hooks";
import { takeGraph, takeGraphFile } from "../../graph/graph-actions.ts";

const isJson = ({ name, type }: File): boolean =>
  type === "application/json" || /\.json$/i.test(name);

const hasFile = ({ dataTransfer }: DragEvent): boolean =>
  [...(dataTransfer?.items ?? [])].some(({ kind }) => kind === "file");

/** Covers the page with a frame while a file is dragged over it. */
export function GraphDrop() {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const gone = new AbortController();
    const { signal } = gone;
    document.addEventListener(
      "dragover",
      (event) => {
        // A control that takes the file itself has prevented the browser's own way.
        setOver(hasFile(event) && !event.defaultPrevented);
        if (hasFile(event)) event.preventDefault(); // otherwise the browser opens the file in the tab
      },
      { signal },
    );
    document.addEventListener(
      "dragleave",
      ({ relatedTarget }) => {
        if (relatedTarget === null) setOver(false); // it left the window
      },
      { signal },
    );
    document.addEventListener("drop", (event) => drop(event, () => setOver(false)), { signal });
    document.addEventListener("paste", paste, { signal });
    return () => gone.abort();
  }, []);
  if (!over) return null;
  return (
    <div class="drop" aria-hidden="true">
      <p>Drop a ComfyUI graph anywhere: its JSON, or a picture that ComfyUI saved</p>
    </div>
  );
}

function drop(event: DragEvent, done: () => void): void {
  done();
  if (event.defaultPrevented || event.dataTransfer === null) return;
  const [file] = event.dataTransfer.files;
  if (file !== undefined) {
    event.preventDefault();
    void takeGraphFile(file);
  } else if (takeGraph(event.dataTransfer.getData("text/plain"))) event.preventDefault();
}

function paste(event: ClipboardEvent): void {
  if (event.defaultPrevented) return;
  const { clipboardData: data } = event;
  const file = [...(data?.files ?? [])].find(isJson);
  if (file !== undefined) {
    event.preventDefault();
    void takeGraphFile(file);
  } else if (takeGraph(data?.getData("text/plain") ?? "")) event.preventDefault();
}
