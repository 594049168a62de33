import { expect, test } from "bun:test";
import { withChannelFields } from "../../../../src/server/protocols/control-protocol.ts";

const protocol = { channelFields: { input: "subscribe_url", output: "publish_url" } };

test("an error about a channel names the caller's field", () => {
  const problem = "its server answered 404";
  const error = {
    kind: "channel_refused",
    message: `output: ${problem}`,
    details: [{ field: "output", problem }],
  } as const;
  expect(withChannelFields(error, protocol)).toEqual({
    kind: "channel_refused",
    message: `publish_url: ${problem}`,
    details: [{ field: "publish_url", problem }],
  });
  const input = {
    ...error,
    message: "input has brought 5 bytes",
    details: [{ field: "input", problem }],
  };
  expect(withChannelFields(input, protocol).message).toBe("subscribe_url has brought 5 bytes");
});

test("any other error is unchanged", () => {
  const model = {
    kind: "invalid_request",
    message: "model: input is missing",
    details: [{ field: "model", problem: "input is missing" }],
  } as const;
  expect(withChannelFields(model, protocol)).toEqual(model);
  const plain = { kind: "timeout", message: "output took too long" } as const;
  expect(withChannelFields(plain, protocol)).toEqual(plain);
});
