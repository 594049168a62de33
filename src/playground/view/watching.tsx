/** Says that the stream on screen was started elsewhere, and offers to change it. */
import { clearScreen } from "../actions.ts";
import { takeControl } from "../screen.ts";
import { onScreen, shown } from "../state.ts";
import { focusForm } from "./focus-form.ts";

export function Watching() {
  const stream = shown.value;
  if (onScreen.value.kind !== "watched" || stream === null) return null;
  return (
    <section class="watching" aria-label="Watching">
      <p>
        <strong>You are watching.</strong> This stream was started elsewhere. Change it, or start
        one of your own below.
      </p>
      <div class="buttons">
        <button
          type="button"
          class="secondary"
          onClick={() => {
            takeControl(stream);
            focusForm();
          }}
        >
          Change it
        </button>
        <button
          type="button"
          class="quiet"
          onClick={() => {
            clearScreen();
            focusForm();
          }}
        >
          Stop watching
        </button>
      </div>
    </section>
  );
}
