/** A button with a cross, which removes or closes something. */
import type { TargetedMouseEvent } from "preact";

interface CrossProps {
  readonly label: string;
  readonly press: (event: TargetedMouseEvent<HTMLButtonElement>) => void;
}

export function Cross({ label, press }: CrossProps) {
  return (
    <button type="button" class="quiet cross" aria-label={label} onClick={press}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d="m4 4 8 8m0-8-8 8" />
      </svg>
    </button>
  );
}
