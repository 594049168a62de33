/** Reads what the repository ships for Prometheus and Grafana: expressions, and the names of metrics in them. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { YAML } from "bun";

const DEPLOY = join(import.meta.dir, "../../deploy");
export const PROMETHEUS_FOLDER = join(DEPLOY, "prometheus");
const DASHBOARDS = join(DEPLOY, "grafana/dashboards");

const Rules = Type.Object({
  groups: Type.Array(
    Type.Object({
      rules: Type.Array(Type.Object({ alert: Type.String(), expr: Type.String() })),
    }),
  ),
});
const Dashboard = Type.Object({
  panels: Type.Array(
    Type.Object({
      title: Type.String(),
      targets: Type.Optional(Type.Array(Type.Object({ expr: Type.String() }))),
    }),
  ),
  templating: Type.Object({
    list: Type.Array(Type.Object({ definition: Type.Optional(Type.String()) })),
  }),
});

export interface Expression {
  /** The alert or panel that it belongs to. */
  readonly of: string;
  readonly text: string;
}

export async function alertExpressions(): Promise<Expression[]> {
  const text = await Bun.file(join(PROMETHEUS_FOLDER, "alerts.yml")).text();
  const { groups } = Value.Parse(Rules, YAML.parse(text));
  return groups.flatMap(({ rules }) => rules.map(({ alert, expr }) => ({ of: alert, text: expr })));
}

export async function panelExpressions(): Promise<Expression[]> {
  return (await dashboards()).flatMap(({ panels }) =>
    panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => ({ of: title, text: expr })),
    ),
  );
}

/** The queries that fill the choices at the top of a dashboard. */
export async function variableQueries(): Promise<string[]> {
  return (await dashboards()).flatMap(({ templating }) =>
    templating.list.flatMap(({ definition }) => definition ?? []),
  );
}

/** The names of metrics in an expression, without what Prometheus appends for histograms. */
export const metricNamesIn = (text: string): string[] =>
  (text.match(/\b(?:comfystream|process|nodejs)_\w+/g) ?? []).map((name) =>
    name.startsWith("comfystream_") ? name.replace(/_(?:bucket|sum|count)$/, "") : name,
  );

const dashboards = async () =>
  await Promise.all(
    readdirSync(DASHBOARDS).map(async (file) =>
      Value.Parse(Dashboard, await Bun.file(join(DASHBOARDS, file)).json()),
    ),
  );
