/** The role `frame_number`: 0, 1, 2 and so on for the frames of a stream, or from `start` on. docs/models.md shows this file. */
import { Type } from "@sinclair/typebox";
import { bindNumber, feedNumber, type NumberPort } from "../../src/engine/models/roles/number.ts";
import { role } from "../../src/engine/models/roles/role.ts";

export const frameNumber = role({
  schema: Type.Object(
    { role: Type.Literal("frame_number"), start: Type.Optional(Type.Integer()) },
    { additionalProperties: false },
  ),
  bind: (binding): NumberPort & { start: number } => ({
    ...bindNumber(binding),
    start: binding.entry.start ?? 0,
  }),
  isLive: () => true,
  isRecurrent: true,
  feed(port, item, lane) {
    const number = (lane.get(port.tensor) as number | undefined) ?? port.start;
    lane.set(port.tensor, number + 1);
    return feedNumber(port, { ...item, values: { [port.tensor]: number } });
  },
});
