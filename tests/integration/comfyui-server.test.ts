/** Graphs that go to a ComfyUI, which is a stand-in here; interop/comfyui has the same tests with the real one. */
import { comfyUiTests } from "../support/comfyui-suite.ts";
import { FakeComfy } from "../support/fake-comfyui.ts";

comfyUiTests(async () => new FakeComfy());
