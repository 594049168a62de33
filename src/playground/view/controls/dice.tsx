/** A button that picks a number at random. */

export function Dice({ label, press }: { label: string; press: () => void }) {
  return (
    <button type="button" class="quiet dice" aria-label={label} title={label} onClick={press}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <rect x="2" y="2" width="12" height="12" rx="3" />
        <path d="M5.5 5.5h0m5 5h0m-2.5-2.5h0m2.5-2.5h0m-5 5h0" />
      </svg>
    </button>
  );
}
