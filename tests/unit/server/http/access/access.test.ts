import { expect, test } from "bun:test";
import { Elysia } from "elysia";
import {
  AccessPolicy,
  assertGuarded,
} from "../../../../../src/server/http/access/access-policy.ts";

const access = new AccessPolicy({});

test("an app with a route that declares no audience is refused by name", () => {
  const guarded = new Elysia().get("/a", () => "", { ...access.open });
  expect(() => assertGuarded(guarded, [])).not.toThrow();
  const plugin = new Elysia().post("/b/:id", () => "", { transform: () => {} });
  const app = guarded.use(plugin);
  expect(() => assertGuarded(app, [])).toThrow("no audience is declared for POST /b/:id");
  expect(() => assertGuarded(app, ["/b/:id"])).not.toThrow();
});

test("an audience that is overwritten by another hook is noticed", () => {
  const app = new Elysia().get("/a", () => "", { ...access.operator, transform: () => {} });
  expect(() => assertGuarded(app, [])).toThrow("GET /a");
});
