/** Moves the keyboard focus into the form when the button that had it disappears. */

/** After the next rendering: the form may get another model. */
export function focusForm(): void {
  requestAnimationFrame(() =>
    document.querySelector<HTMLElement>(".form :is(textarea, select)")?.focus(),
  );
}
