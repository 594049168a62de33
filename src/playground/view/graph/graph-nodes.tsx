/** Lists the nodes of a graph: what is wrong with each, and a control for each of its values. */
import { type GraphFaults, keyOf, type NodeFault } from "../../graph/graph-faults.ts";
import { isLively, widgetOf } from "../../graph/node-classes.ts";
import type { GraphNode } from "../../graph/read-graph.ts";
import { graphFaults, graphReading, nodeClasses } from "../../state.ts";
import { NodeField } from "./node-field.tsx";

export function GraphNodes() {
  const { nodes } = graphReading.value;
  if (nodes.length === 0) return null;
  return (
    <fieldset class="params graph-nodes">
      <legend>
        {nodes.length} {nodes.length === 1 ? "node" : "nodes"}
      </legend>
      <ul>
        {nodes.map((node) => (
          <Row key={keyOf(node)} node={node} faults={faultsAt(node, graphFaults.value)} />
        ))}
      </ul>
    </fieldset>
  );
}

const faultsAt = (node: GraphNode, { byNode }: GraphFaults): readonly NodeFault[] =>
  byNode.get(keyOf(node)) ?? [];

function Row({ node, faults }: { node: GraphNode; faults: readonly NodeFault[] }) {
  const classes = nodeClasses.value;
  const fields = node.inputs.flatMap((input) => {
    const widget = widgetOf(node, input, classes);
    return widget === null ? [] : [{ input, widget }];
  });
  return (
    <li class={faults.length > 0 ? "faulty" : ""}>
      {fields.length === 0 ? (
        <p class="name">
          <Name node={node} />
        </p>
      ) : (
        <details open={faults.length > 0 || isLively(node, classes)}>
          <summary>
            <Name node={node} />
          </summary>
          <div class="fields">
            {fields.map(({ input, widget }) => (
              <NodeField
                key={input.name}
                {...{ node, input, widget }}
                invalid={faults.some((fault) => fault.input === input.name)}
              />
            ))}
          </div>
        </details>
      )}
      {faults.length > 0 && (
        <ul class="faults">
          {faults.map(({ text }) => (
            <li key={text}>{text}</li>
          ))}
        </ul>
      )}
    </li>
  );
}

function Name({ node: { id, className, title } }: { node: GraphNode }) {
  return (
    <>
      <span class="id">{id}</span> <b>{title || className || "no class"}</b>
      {title !== "" && <small> {className}</small>}
    </>
  );
}
