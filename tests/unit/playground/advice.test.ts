/** Tests how the page words what the server refuses. */
import { expect, test } from "bun:test";
import { graphProblem, problemOf } from "../../../src/playground/advice.ts";
import { ApiError } from "../../../src/playground/api.ts";

test("a refused graph is counted, and says what becomes of the stream", () => {
  const one = graphProblem(1, "prompts: node 3 (KSampler): cfg is 200", "starting");
  expect([one.what, one.advice]).toEqual(["The graph cannot run: one problem, shown below.", ""]);
  const two = graphProblem(2, "prompts: a; b", "running");
  expect([two.what, two.advice]).toEqual([
    "The graph cannot run: 2 problems, shown below.",
    "The stream goes on as it was.",
  ]);
});

test("a graph with nodes that do not run here says what a ComfyUI could do", () => {
  const way = "a ComfyUI that has them can run the graph: start the server with COMFYUI_URL";
  expect(graphProblem(1, `prompts: node 1 has the class X; ${way}`, "starting").advice).toBe(
    "A ComfyUI that has the missing nodes can run the graph: start the server with COMFYUI_URL.",
  );
  const why = "the graph goes to the ComfyUI at http://box because this does not run here: X";
  expect(graphProblem(1, `prompts: a; b; ${why}`, "running").advice).toBe(
    "The graph goes to the ComfyUI at http://box because this does not run here: X. The stream goes on as it was.",
  );
});

test("channels are named as the page names them", () => {
  const what = (message: string) => problemOf(new ApiError("channel_refused", 400, message)).what;
  expect(what("input_url must be a URL")).toBe("The trickle channel must be a URL.");
  expect(what("input_url: the channel at http://box is not usable")).toBe(
    "The trickle channel at http://box is not usable.",
  );
});

test("other errors are sentences with advice by their code", () => {
  const error = new ApiError("at_capacity", 503, "all places are taken");
  expect(problemOf(error)).toEqual({
    code: "at_capacity",
    what: "All places are taken.",
    advice: "Every place is taken. Stop a stream below, then start again.",
  });
});
