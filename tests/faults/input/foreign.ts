/** Faults of format: something else is sent than the media that was there before. */
import { type InputFault, plainFault } from "./input-fault.ts";

const text = (content: string): Uint8Array => new TextEncoder().encode(content);

const PAGE = text(
  `<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body>${"<p>The camera is away.</p>\n".repeat(400)}</body></html>\n`,
);
const FLV = Uint8Array.from([
  ...Buffer.from("FLV\x01\x05\0\0\0\x09\0\0\0\0"),
  ...new Uint8Array(4000),
]);

export const foreign: readonly InputFault[] = [
  plainFault("a web page in the place of media", () => [PAGE]),
  plainFault("FLV in the place of media", () => [FLV]),
  plainFault("zeros in the place of media", () => [new Uint8Array(100_000)]),
  plainFault("the container changes, with a page between", ({ media, mux, index, container }) => {
    const others = (["mpegts", "fmp4", "matroska"] as const).filter((each) => each !== container);
    const other = others[index % 3];
    return [other ? mux(media, other) : PAGE];
  }),
];
