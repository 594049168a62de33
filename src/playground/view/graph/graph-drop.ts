/** Takes graphs that are dropped or pasted anywhere in the form; a whole graph replaces the one that is there. */
import { useState } from "preact/hooks";
import { takeGraph, takeGraphFile } from "../../graph/graph-actions.ts";

const isJson = ({ name, type }: File): boolean =>
  type === "application/json" || /\.json$/i.test(name);

/** Whether something that may be a graph is over the form, and the handlers for the form. */
export function useGraphDrop() {
  const [over, setOver] = useState(false);
  return [
    over,
    {
      onDragOver(event: DragEvent): void {
        const items = [...(event.dataTransfer?.items ?? [])];
        if (event.defaultPrevented || !items.some(({ kind }) => kind === "file")) return;
        event.preventDefault(); // otherwise the browser opens the file
        setOver(true);
      },
      onDragLeave({ currentTarget, relatedTarget }: DragEvent): void {
        const form = currentTarget as Node;
        if (!(relatedTarget instanceof Node && form.contains(relatedTarget))) setOver(false);
      },
      onDrop(event: DragEvent): void {
        setOver(false);
        if (event.defaultPrevented || event.dataTransfer === null) return;
        const { files } = event.dataTransfer;
        const [file] = files;
        if (file !== undefined) {
          event.preventDefault();
          void takeGraphFile(file);
        } else if (takeGraph(event.dataTransfer.getData("text/plain"))) event.preventDefault();
      },
      onPaste(event: ClipboardEvent): void {
        if (event.defaultPrevented) return;
        const { clipboardData: data } = event;
        const file = [...(data?.files ?? [])].find(isJson);
        if (file !== undefined) {
          event.preventDefault();
          void takeGraphFile(file);
        } else if (takeGraph(data?.getData("text/plain") ?? "")) event.preventDefault();
      },
    },
  ] as const;
}
