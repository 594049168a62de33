/** Says why a request to another machine failed. */
import { reason } from "./errors.ts";
import { shortageCode } from "./machine-shortage.ts";
import { redactUrls } from "./redact-url.ts";

/** Without paths of URLs, which may be credentials. */
export function describeFailure(error: unknown): string {
  const shortage = shortageCode(error);
  // Bun's own message would suggest a typo in the URL.
  if (shortage !== null)
    return `this machine is out of file descriptors, memory or ports (${shortage})`;
  return redactUrls(reason(error));
}
