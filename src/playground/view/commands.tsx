/** Shows the curl commands for what is on screen, each with a copy button. */
import { useState } from "preact/hooks";
import { type Command, commandsFor } from "../commands.ts";
import { chosenModel, draft, type OnScreen, onScreen, shown, typedToken } from "../state.ts";

export function Commands() {
  const screen = onScreen.value;
  const commands = commandsFor({
    origin: location.origin,
    channels: document.body.dataset["channels"] ?? "",
    draft: draft.value,
    model: chosenModel.value,
    id: screen.kind === "controlled" ? screen.id : null,
    streamUrl: screen.kind === "controlled" ? (shown.value?.stream_url ?? null) : null,
    inputUrl: inputOf(screen),
    withToken: typedToken.value !== "",
  });
  return (
    <section class="commands" aria-labelledby="commands">
      <h2 id="commands">From a terminal</h2>
      {commands.map((command) => (
        <CommandLine key={command.name} command={command} />
      ))}
    </section>
  );
}

function CommandLine({ command: { name, line } }: { command: Command }) {
  const [copied, setCopied] = useState(false);
  return (
    <div class="command">
      <h3>{name}</h3>
      <button
        type="button"
        class="quiet"
        aria-label={`Copy: ${name}`}
        onClick={() => {
          void navigator.clipboard.writeText(line).then(() => setCopied(true));
        }}
        onBlur={() => setCopied(false)}
      >
        {copied ? "Copied" : "Copy"}
      </button>
      <pre>{line}</pre>
    </div>
  );
}

function inputOf(screen: OnScreen): string | null {
  if (screen.kind === "controlled") return screen.input.kind === "none" ? null : screen.input.url;
  return draft.value.source === "channel" ? draft.value.inputUrl : null;
}
