/** Asks for the server's API token. */
import { useState } from "preact/hooks";
import { useToken } from "../server-sync.ts";
import { typedToken } from "../state.ts";

export function TokenForm() {
  const [typed, setTyped] = useState("");
  const isWrong = typedToken.value !== "";
  return (
    <form
      class="form"
      aria-label="Token"
      onSubmit={(event) => {
        event.preventDefault();
        void useToken(typed.trim());
      }}
    >
      <label>
        <span>This server requires a token</span>
        <input
          type="password"
          required
          aria-invalid={isWrong}
          autocomplete="current-password"
          value={typed}
          onInput={({ currentTarget }) => setTyped(currentTarget.value)}
        />
      </label>
      <p class={isWrong ? "hint wrong" : "hint"} role="status">
        {isWrong
          ? "That token is wrong. Enter the API_TOKEN that the server was started with."
          : "Enter the API_TOKEN that the server was started with. It stays in this tab."}
      </p>
      <div class="go">
        <button type="submit" class="primary">
          Continue
        </button>
      </div>
    </form>
  );
}
