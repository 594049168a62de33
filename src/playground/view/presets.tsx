/** Presets by name: those that come with a model, and those that the user has saved. */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { edit } from "../form-changes.ts";
import {
  deletePreset,
  isInUse,
  presetPatch,
  type SavedPreset,
  savedPresets,
  savePreset,
} from "../saved-presets.ts";
import { chosenModel, draft, problem } from "../state.ts";
import { Cross } from "./cross.tsx";

/** A preset that cannot be deleted. */
export interface GivenPreset {
  readonly name: string;
  readonly isInUse: boolean;
  readonly choose: () => void;
}

/** Nothing where there are none. */
export function Presets({ given }: { given: readonly GivenPreset[] }) {
  const saved = savedPresets.value.filter(({ model }) => model === draft.value.model);
  if (given.length + saved.length === 0) return null;
  return (
    <ul class="presets" aria-label="Presets">
      {given.map(({ name, isInUse: pressed, choose }) => (
        <li key={name}>
          <button type="button" aria-pressed={pressed} onClick={choose}>
            {name}
          </button>
        </li>
      ))}
      {saved.map((preset) => (
        <Saved key={`saved/${preset.name}`} preset={preset} />
      ))}
    </ul>
  );
}

function Saved({ preset }: { preset: SavedPreset }) {
  return (
    <li class="saved">
      <button
        type="button"
        aria-pressed={isInUse(preset, draft.value)}
        onClick={() => edit(presetPatch(preset))}
      >
        {preset.name}
      </button>
      <Cross label={`Delete ${preset.name}`} press={() => deletePreset(preset)} />
    </li>
  );
}

/** A button that asks for a name and saves what the form holds. */
export function SavePreset() {
  const [open, setOpen] = useState(false);
  return open ? (
    <NameField close={() => setOpen(false)} />
  ) : (
    <button type="button" class="quiet" aria-label="Save as a preset" onClick={() => setOpen(true)}>
      Save
    </button>
  );
}

const MAX_NAME = 60;

function NameField({ close }: { close: () => void }) {
  const [name, setName] = useState("");
  const field = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => field.current?.focus(), []);
  const save = () => {
    if (name.trim() === "") return close();
    try {
      savePreset(name.trim(), draft.value, chosenModel.value);
      close();
    } catch {
      problem.value = {
        code: "storage",
        what: "This browser has no room for another preset.",
        advice: "Delete one, or leave out large pictures.",
      };
    }
  };
  return (
    <span class="name-field">
      <input
        ref={field}
        type="text"
        aria-label="Name of the preset"
        placeholder="Name"
        maxLength={MAX_NAME}
        value={name}
        onInput={({ currentTarget }) => setName(currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") close();
          if (event.key !== "Enter" || event.isComposing) return;
          event.preventDefault(); // the form would start a stream
          save();
        }}
      />
      <button type="button" class="quiet" onClick={save}>
        Save
      </button>
    </span>
  );
}
