import { expect, test } from "bun:test";
import { WorkerError } from "../../../../src/errors.ts";
import { type TokenRules, Tokens } from "../../../../src/server/http/tokens.ts";

const REMOTE = "203.0.113.9";

function verdict(rules: TokenRules, route: string, bearer?: string, peer: string = REMOTE): string {
  const [method = "", path = ""] = route.split(" ");
  const headers = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
  try {
    new Tokens(rules).admit(new Request(`http://localhost${path}`, { method, headers }), peer);
    return "admitted";
  } catch (error) {
    if (error instanceof WorkerError) return error.kind;
    throw error;
  }
}

const both = { api: "A", capability: "C" };

test.each([
  ["GET /health", undefined, "admitted"],
  ["GET /version", undefined, "admitted"],
  ["GET /", undefined, "admitted"],
  ["OPTIONS /streams", undefined, "admitted"],
  ["GET /streams", undefined, "forbidden"],
  ["GET /streams", "A", "admitted"],
  ["GET /streams", "C", "unauthorized"],
  ["GET /streams", "wrong", "unauthorized"],
  ["DELETE /stream/x", "C", "unauthorized"],
  ["POST /stream/x/params", "C", "unauthorized"],
  ["POST /stream/start", undefined, "forbidden"],
  ["POST /stream/start", "C", "admitted"],
  ["POST /stream/start", "A", "admitted"],
  ["POST /stream/start", "wrong", "unauthorized"],
  ["POST /stream/stop", "C", "admitted"],
  ["POST /c/text-reversal", "C", "admitted"],
  ["POST /text-reversal", undefined, "forbidden"],
  ["POST /process/request/text-reversal", "C", "admitted"],
  ["POST /trickle/x/0", undefined, "forbidden"],
  ["POST /trickle/x/0", "A", "admitted"],
  ["DELETE /trickle/x", undefined, "forbidden"],
  ["GET /trickle/x/0", undefined, "admitted"],
])("with both tokens set, %s bearing %p is %s", (route, bearer, expected) => {
  expect(verdict(both, route, bearer)).toBe(expected);
});

test("this host writes channels without a token", () => {
  expect(verdict(both, "POST /trickle/x/0", undefined, "127.0.0.1")).toBe("admitted");
  expect(verdict(both, "POST /trickle/x/0", undefined, "::ffff:127.0.0.1")).toBe("admitted");
});

test("without tokens nothing is asked for, and any bearer is fine", () => {
  expect(verdict({}, "GET /streams")).toBe("admitted");
  expect(verdict({}, "POST /c/text-reversal", "whatever")).toBe("admitted");
});

test("CAPABILITY_TOKEN alone closes the orchestrator's own routes, and a wrong one is told", () => {
  const rules = { capability: "C" };
  expect(verdict(rules, "POST /c/text-reversal")).toBe("forbidden");
  expect(verdict(rules, "POST /stream/start")).toBe("admitted");
  expect(verdict(rules, "POST /stream/start", "old")).toBe("unauthorized");
  expect(verdict(rules, "GET /streams")).toBe("admitted");
});
