/** Entry point of the playground: renders the page and starts following the server. */
import { render } from "preact";
import { followServer } from "./server-sync.ts";
import { App } from "./view/app.tsx";

const root = document.getElementById("app");
if (root === null) throw new Error("the page has no #app");
render(<App />, root);
void followServer(new AbortController().signal);
