/** What routes say of themselves in the API's description beyond the schemas that Elysia checks. */
import type { TSchema, TUnsafe } from "@sinclair/typebox";

/** The groups of routes in OpenAPI. */
export const TAGS = {
  streams: "Streams by their ids",
  orchestrators: "For orchestrators and pytrickle's callers: streams by X-Stream-Id",
  jobs: "Batch jobs",
  operations: "Health, versions and models",
  runner: "For clients of a live-runner session, through their orchestrator",
};

/** OpenAPI details of a route that needs a bearer token where the server has one. */
export const operation = (tag: keyof typeof TAGS, summary: string) => ({
  tags: [tag],
  summary,
  security: [{ token: [] }],
});

/** Gives a route the type of its body for typed clients. There is no schema at run time: the handler reads and checks the body. */
export const bodyFor = <T>() => ({}) as { readonly body: TUnsafe<T> };

/** A JSON body in OpenAPI's form, for what Elysia does not check itself. */
export const jsonContent = (schema: TSchema) => ({
  // biome-ignore lint/suspicious/noExplicitAny: TypeBox makes JSON Schema 2020-12, OpenAPI's typings know 3.0's subset
  "application/json": { schema: schema as any },
});

/** Answers by their statuses in OpenAPI's form, for routes whose answers Elysia does not check. */
export const contents = (answers: Readonly<Record<number, TSchema>>) =>
  Object.fromEntries(
    Object.entries(answers).map(([status, schema]) => [
      status,
      { description: schema.description ?? "", content: jsonContent(schema) },
    ]),
  );
