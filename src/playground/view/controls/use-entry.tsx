/** A text field whose text is used when the field is left or Enter is pressed; a text at fault stays, with the reason. */
import type { TargetedEvent, TargetedKeyboardEvent } from "preact";
import { useId, useState } from "preact/hooks";

type Field = HTMLInputElement | HTMLTextAreaElement;

interface Entry {
  /** The value in use. */
  readonly value: string;
  /** Why a text cannot be used, as a sentence; null if it can. */
  readonly check: (text: string) => string | null;
  readonly set: (text: string) => void;
}

/** A text that cannot be used, and the value that stays in use. */
interface Refused {
  readonly text: string;
  readonly inUse: string;
}

/** Attributes and handlers for the field, and the reason why its text is not in use, to be shown beside it. */
export function useEntry({ value, check, set }: Entry) {
  const id = useId();
  const [typed, setTyped] = useState<string | null>(null);
  const [refused, setRefused] = useState<Refused | null>(null);
  // A preset, for example, gives the field another value.
  const stands = refused?.inUse === value ? refused : null;
  const fault = stands !== null && typed === null ? check(stands.text) : null;
  return {
    field: {
      value: typed ?? stands?.text ?? value,
      "aria-describedby": fault === null ? undefined : id,
      onInput: ({ currentTarget }: TargetedEvent<Field>) => {
        setTyped(currentTarget.value);
        setRefused(null);
      },
      onBlur: () => setTyped(null),
      onChange: ({ currentTarget: { value: text, validity } }: TargetedEvent<Field>) => {
        setTyped(null);
        if (check(text) === null) set(text);
        // An empty field goes back to the value in use. Browsers call a text empty that is not a number, too.
        else if (text !== "" || validity.badInput) setRefused({ text, inUse: value });
      },
      onKeyDown: ({ key }: TargetedKeyboardEvent<Field>) => {
        if (key !== "Escape") return;
        setTyped(null);
        setRefused(null);
      },
    },
    fault: fault !== null && (
      <small id={id} class="fault" role="alert">
        {fault}
      </small>
    ),
  };
}
