/** The server's API with the token of the page. */
import { createApi } from "./api.ts";
import { token } from "./state.ts";

export const api = createApi(() => token.value);
