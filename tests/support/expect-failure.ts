/** Checks what every error response has in common. */
import { expect } from "bun:test";

export function expectFailure(
  // biome-ignore lint/suspicious/noExplicitAny: as `testServer` returns answers
  { status, body }: { readonly status: number; readonly body: any },
  wanted: number,
  code: string,
): void {
  expect(body).toMatchObject({ success: false, status: "error", code });
  expect(status).toBe(wanted);
  expect(body.error.length).toBeGreaterThan(5);
  expect(body.message).toBe(body.error);
}
