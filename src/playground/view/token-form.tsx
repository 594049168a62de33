/** Asks for the server's token when it wants one. */
import { useState } from "preact/hooks";
import { useToken } from "../following.ts";
import { token } from "../state.ts";

export function TokenForm() {
  const [typed, setTyped] = useState("");
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
        <span>This server wants a token</span>
        <input
          type="password"
          required
          autocomplete="current-password"
          value={typed}
          onInput={({ currentTarget }) => setTyped(currentTarget.value)}
        />
      </label>
      <p class="hint">
        {token.value === ""
          ? "It is what the server was started with as API_TOKEN. It stays in this tab."
          : "The token was not the server's. It is what the server was started with as API_TOKEN."}
      </p>
      <div class="go">
        <button type="submit" class="primary">
          Continue
        </button>
      </div>
    </form>
  );
}
