/** The field for one prompt, with its label. */
import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { MAX_PROMPT } from "../prompts.ts";

interface PromptFieldProps {
  readonly label: string;
  readonly value: string;
  readonly rows: number;
  readonly placeholder: string;
  /** It was added just now: it gets the keyboard focus. */
  readonly isNew: boolean;
  readonly set: (value: string) => void;
  /** Beside the label. */
  readonly children?: ComponentChildren;
}

/** Enter starts, or sends at once; Shift and Enter begin a new line. */
export function PromptField(props: PromptFieldProps) {
  const { label, value, rows, placeholder, isNew, set, children } = props;
  const id = useId();
  const field = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => {
    if (isNew) field.current?.focus();
  }, []);
  return (
    <>
      <div class="prompt-head">
        <label for={id}>{label}</label>
        {children}
      </div>
      <textarea
        ref={field}
        id={id}
        rows={rows}
        value={value}
        placeholder={placeholder}
        maxLength={MAX_PROMPT}
        dir="auto"
        enterkeyhint="go"
        onInput={({ currentTarget }) => set(currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          event.currentTarget.form?.requestSubmit();
        }}
      />
    </>
  );
}
