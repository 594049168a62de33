/** Declares node classes by name, apart from what runs them. */
import type { NodeClass } from "./node-class.ts";

export type Declarations = Readonly<Record<string, Omit<NodeClass, "name" | "fragment" | "run">>>;
