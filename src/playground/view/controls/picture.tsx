/** A picture to upload: chosen from a file, dropped or pasted, with a preview. */
import { useState } from "preact/hooks";
import { isShortened } from "../../param-values.ts";
import { pictureDataUri } from "../../picture-file.ts";
import type { ControlProps } from "./control-props.ts";
import { words } from "./words.ts";

export function PictureControl({ param, value, set }: ControlProps<"picture">) {
  const [problem, setProblem] = useState("");
  const [over, setOver] = useState(false);
  const id = `picture-${param.name}`;
  const name = words(param.name);
  const take = async (files: FileList | null | undefined) => {
    const file = files?.[0];
    if (file === undefined) return;
    try {
      set(await pictureDataUri(file));
      setProblem("");
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <fieldset
      aria-label={name}
      class={`upload ${over ? "over" : ""}`}
      title={param.description}
      onDragOver={(event) => {
        event.preventDefault(); // otherwise the browser opens the file
        setOver(true);
      }}
      onDragLeave={({ currentTarget, relatedTarget }) => {
        const isInside = relatedTarget instanceof Node && currentTarget.contains(relatedTarget);
        if (!isInside) setOver(false);
      }}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        void take(event.dataTransfer?.files);
      }}
      onPaste={(event) => void take(event.clipboardData?.files)}
    >
      <label for={id}>
        <Preview value={value} />
        <span class="what">
          <span>{name}</span>
          <small>{value === null ? "Choose a picture, or drop one here" : "Choose another"}</small>
        </span>
      </label>
      <input
        id={id}
        type="file"
        aria-description={param.description || undefined}
        accept="image/*"
        onChange={({ currentTarget }) => {
          const { files } = currentTarget;
          void take(files).finally(() => {
            currentTarget.value = ""; // the same file can be chosen again
          });
        }}
      />
      {value !== null && (
        <button type="button" class="quiet" aria-label={`Clear ${name}`} onClick={() => set(null)}>
          Clear
        </button>
      )}
      <p role="alert">{problem}</p>
    </fieldset>
  );
}

function Preview({ value }: { value: string | null }) {
  if (value !== null && !isShortened(value)) return <img class="thumbnail" src={value} alt="" />;
  // Somebody else has uploaded it: the server says only how large it is.
  const size = value === null ? "" : (/\((.+)\)/.exec(value)?.[1] ?? "in use");
  return <span class="thumbnail">{size}</span>;
}
