/** Reads the operations of the running server from its API's description. */
import type { Schema } from "./json-values.ts";

export interface Operation {
  readonly method: string;
  /** With parameters in braces. */
  readonly path: string;
  /** Null: it takes no body. */
  readonly body: Schema | null;
}

interface Described {
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: Schema }>>;
  };
}

export async function operationsOf(url: string): Promise<readonly Operation[]> {
  const answer = await fetch(`${url}/openapi/json`);
  const { paths } = (await answer.json()) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  };
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { requestBody }]) => ({
      method: method.toUpperCase(),
      path,
      body: requestBody?.content["application/json"]?.schema ?? null,
    })),
  );
}
