/** Begins the page. */
import { render } from "preact";
import { keepUp } from "./following.ts";
import { App } from "./view/app.tsx";

const root = document.getElementById("app");
if (root === null) throw new Error("the page has no #app");
render(<App />, root);
void keepUp(new AbortController().signal);
