/** One capability or runner at one orchestrator, as operators and the command `doctor` see it. */
import { type Static, Type } from "@sinclair/typebox";
import { literals, nullable } from "../schema.ts";

export const RegistrationView = Type.Object({
  kind: literals(["byoc", "runner", "static"], {
    description:
      "byoc: a BYOC capability; runner: a live runner that registers itself; static: a live runner that orchestrator operators list by hand",
  }),
  name: Type.String({ description: "the capability, or the app id" }),
  orchestrator: Type.String({
    description: "as in ORCH_URL; `static` for a runner that nobody registers",
  }),
  registered: Type.Boolean({ description: "whether the orchestrator has it, as far as is known" }),
  since: nullable(Type.String(), {
    description: "when it was registered; null while it is not",
  }),
  failure: nullable(Type.String(), {
    description: "why the last attempt failed; null where it did not",
  }),
});
export type RegistrationView = Static<typeof RegistrationView>;
