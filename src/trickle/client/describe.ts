/** Formats channels and the answers of peers for logs and error messages. */
import { redactUrl, redactUrls } from "../../redact-url.ts";
import type { TrickleEndpoint } from "./request.ts";

const MAX_QUOTED = 200;

/** Scheme and host of a channel: its path is a credential. */
export const channelHost = ({ url }: TrickleEndpoint): string => redactUrl(url);

/** The start of a text that a peer sent, on one line and without control characters. */
export const quote = (text: string): string =>
  redactUrls(text.slice(0, 4 * MAX_QUOTED))
    .replace(/[\p{C}\p{Z}]+/gu, " ")
    .trim()
    .slice(0, MAX_QUOTED);

/** A status and the start of the text that came with it. */
export const describeAnswer = (status: number, text: string): string =>
  `status ${status} ${quote(text)}`.trimEnd();

/** Whole seconds as seconds, everything else as milliseconds. */
export const describeMs = (ms: number): string => (ms % 1000 === 0 ? `${ms / 1000} s` : `${ms} ms`);
