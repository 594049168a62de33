import { expect, test } from "bun:test";
import { withChannelFields } from "../../../../src/server/streams/channel-fields.ts";

const fields = { input: "subscribe_url", output: "publish_url" };

test("an error about a channel names the caller's field", () => {
  const problem = "its server answered 404";
  const error = {
    kind: "channel_refused",
    message: `output: ${problem}`,
    details: [{ field: "output", problem }],
  } as const;
  expect(withChannelFields(error, fields)).toEqual({
    kind: "channel_refused",
    message: `publish_url: ${problem}`,
    details: [{ field: "publish_url", problem }],
  });
  const input = {
    ...error,
    message: "input has brought 5 bytes",
    details: [{ field: "input", problem }],
  };
  expect(withChannelFields(input, fields).message).toBe("subscribe_url has brought 5 bytes");
});

test("any other error is unchanged", () => {
  const model = {
    kind: "invalid_request",
    message: "model: input is missing",
    details: [{ field: "model", problem: "input is missing" }],
  } as const;
  expect(withChannelFields(model, fields)).toEqual(model);
  const plain = { kind: "timeout", message: "output took too long" } as const;
  expect(withChannelFields(plain, fields)).toEqual(plain);
});
