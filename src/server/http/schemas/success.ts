/** What every successful answer of a JSON route has. */
import { Type } from "@sinclair/typebox";

export const success = { success: Type.Literal(true) };
