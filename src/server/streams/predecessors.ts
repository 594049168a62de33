/** Finds the streams that must end before another one may start. */
import type { WorkerError } from "../../errors.ts";
import { fieldsError } from "../field-errors.ts";
import { isSameChannel } from "../hosts/channel-url.ts";
import type { Stream, StreamOrigin } from "./stream.ts";

/**
 * The streams of the same id, and those that are about to release its output channel. Throws `invalid_request` for a
 * channel that a live stream publishes to, and for the id of a stream that another protocol started.
 *
 * @param unreleased all streams that still hold something
 */
export const predecessorsOf = (
  { id, spec: { output }, protocol }: StreamOrigin,
  unreleased: Iterable<Stream>,
): readonly Stream[] =>
  [...unreleased].filter((other) => {
    if (other.id === id && other.protocol === protocol) return true;
    if (other.id === id) throw takenId(protocol.idField);
    const taken = other.spec.output;
    if (!output || !taken || !isSameChannel(output.endpoint, taken.endpoint)) return false;
    // A stream that is stopping may delete its channel as its last act.
    if (other.status === "stopping" || other.endedAt !== null) return true;
    const problem = "is published to by another live stream: stop that one or name another channel";
    throw fieldsError([{ field: protocol.channelFields.output, problem }]);
  });

/** A start replaces a stream of its own protocol only: by another one, it would end somebody else's stream. */
const takenId = (field: string): WorkerError =>
  fieldsError([{ field, problem: "is the id of a stream that was not started this way" }]);
