/** What to draw, in words: one text, or several with weights, and a negative prompt. */
import { computed } from "@preact/signals";
import { useRef, useState } from "preact/hooks";
import { FIRST_PROMPT } from "../first-prompt.ts";
import { edit, editText } from "../form-changes.ts";
import { shownNumber } from "../numbers.ts";
import { valueInUse } from "../param-values.ts";
import {
  MAX_PROMPTS,
  type Prompts,
  type WeightedText,
  withAnother,
  without,
  withPatch,
} from "../prompts.ts";
import { chosenModel, draft } from "../state.ts";
import { Range } from "./controls/number.tsx";
import { Cross } from "./cross.tsx";
import { PromptField } from "./prompt-field.tsx";

/** Weights that the slider offers; a stream may have others. */
const WEIGHTS = { min: -1, max: 2, step: 0.05 };

export function Scene() {
  const { prompts } = draft.value;
  const [negativeOpen, setNegativeOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const { texts, negative } = prompts;
  const hasNegative = negativeOpen || negative !== "";
  return (
    <div class="scene" ref={box}>
      {texts.map((one, index) => (
        <PromptRow
          key={index}
          prompts={prompts}
          one={one}
          index={index}
          focusAnother={() => focusIn(box.current)}
        />
      ))}
      {hasNegative && (
        <Negative
          prompts={prompts}
          isNew={negative === ""}
          close={() => {
            setNegativeOpen(false);
            edit({ prompts: { ...prompts, negative: "" } });
            focusIn(box.current);
          }}
        />
      )}
      <div class="prompt-buttons">
        {texts.length < MAX_PROMPTS && (
          <button
            type="button"
            class="quiet"
            onClick={() => edit({ prompts: withAnother(prompts) })}
          >
            Blend in another
          </button>
        )}
        {!hasNegative && (
          <button type="button" class="quiet" onClick={() => setNegativeOpen(true)}>
            Negative prompt
          </button>
        )}
      </div>
    </div>
  );
}

interface PromptRowProps {
  readonly prompts: Prompts;
  readonly one: WeightedText;
  readonly index: number;
  readonly focusAnother: () => void;
}

function PromptRow({ prompts, one: { text, weight }, index, focusAnother }: PromptRowProps) {
  const isAlone = prompts.texts.length === 1;
  const label = index === 0 ? "Describe a scene" : `Prompt ${index + 1}`;
  return (
    <div class="prompt">
      <PromptField
        label={label}
        value={text}
        rows={isAlone ? 3 : 2}
        placeholder={index === 0 ? FIRST_PROMPT : "another scene, or a style"}
        isNew={index > 0 && text === ""}
        set={(value) => editText({ prompts: withPatch(prompts, index, { text: value }) })}
      />
      {(!isAlone || weight !== 1) && (
        <div class="weight">
          <span aria-hidden="true">Weight</span>
          <Range
            label={`Weight of prompt ${index + 1}`}
            {...WEIGHTS}
            min={Math.min(WEIGHTS.min, weight)}
            max={Math.max(WEIGHTS.max, weight)}
            value={weight}
            set={(to) => edit({ prompts: withPatch(prompts, index, { weight: to }) })}
          />
          <output>{shownNumber(weight, WEIGHTS.step)}</output>
          {!isAlone && (
            <Cross
              label={`Remove prompt ${index + 1}`}
              press={() => {
                edit({ prompts: without(prompts, index) });
                focusAnother();
              }}
            />
          )}
        </div>
      )}
    </div>
  );
}

/** Diffusion evaluates a negative prompt only where the prompt is followed more closely than it would be by itself. */
const ignoresNegative = computed(() => {
  const guidance = chosenModel.value?.params.find(({ name }) => name === "guidance");
  return guidance !== undefined && valueInUse(guidance, draft.value.values) === 1;
});

interface NegativeProps {
  readonly prompts: Prompts;
  readonly isNew: boolean;
  readonly close: () => void;
}

function Negative({ prompts, isNew, close }: NegativeProps) {
  return (
    <div class="prompt negative">
      <PromptField
        label="Negative prompt"
        value={prompts.negative}
        rows={2}
        placeholder="what the picture must not show"
        isNew={isNew}
        set={(negative) => editText({ prompts: { ...prompts, negative } })}
      >
        <Cross label="Remove the negative prompt" press={close} />
      </PromptField>
      {prompts.negative !== "" && ignoresNegative.value && (
        <p class="hint">It has no effect while guidance is 1.</p>
      )}
    </div>
  );
}

/** A row disappears: the keyboard focus stays in the form. */
const focusIn = (box: HTMLElement | null) => box?.querySelector("textarea")?.focus();
