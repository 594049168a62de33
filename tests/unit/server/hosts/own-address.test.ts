import { expect, test } from "bun:test";
import { connectOrigin } from "../../../../src/server/hosts/own-address.ts";
import { localUrl } from "../../../../src/server/http/listen.ts";

test.each([
  ["0.0.0.0", "http://127.0.0.1:5000", "http://localhost:5000"],
  ["::", "http://[::1]:5000", "http://localhost:5000"],
  ["localhost", "http://127.0.0.1:5000", "http://localhost:5000"],
  ["127.0.0.1", "http://127.0.0.1:5000", "http://127.0.0.1:5000"],
  ["::1", "http://[::1]:5000", "http://[::1]:5000"],
  ["10.0.0.7", "http://10.0.0.7:5000", "http://10.0.0.7:5000"],
  ["worker.test", "http://worker.test:5000", "http://worker.test:5000"],
])("a server that listens at %s is reached at %s", (host, origin, shown) => {
  expect(connectOrigin({ host, port: 5000 })).toBe(origin);
  expect(localUrl(host, 5000)).toBe(shown);
});
