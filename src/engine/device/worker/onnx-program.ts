/** Runs one ONNX graph: feeds its ports by their roles, and keeps the state of lanes. */
import type { Picture } from "../../../media/picture.ts";
import { type AdaptedGraph, adaptGraph } from "../../models/adapt-graph.ts";
import { computesSizes } from "../../models/computed-sizes.ts";
import { ROLES, type RoleTables } from "../../models/define-model.ts";
import type { ModelDefinition } from "../../models/definition.ts";
import { ORIGINAL } from "../../models/graph-edge.ts";
import { fuse } from "../../models/graph-fusion.ts";
import { type GraphSource, readModelSource } from "../../models/onnx-source.ts";
import { pictureTensor } from "../../models/roles/frame.ts";
import type { Roles } from "../../models/roles/input-roles.ts";
import { LAST_PICTURE } from "../../models/roles/previous-output.ts";
import type { Feeds, Lane, Port, RunItem, RunResult } from "../../models/roles/role.ts";
import { joined, parts, type Tensor } from "../../models/tensor.ts";
import type { SessionSettings } from "../devices.ts";
import type { RunOutput } from "./calls.ts";
import type { Program } from "./program.ts";
import { Session } from "./runtime.ts";

export class OnnxProgram implements Program {
  readonly hasComputedSizes: boolean;
  readonly #session: Session;
  readonly #graph: Omit<AdaptedGraph, "bytes">;
  readonly #definition: ModelDefinition;
  readonly #roles: RoleTables;
  readonly #needsOriginal: boolean;
  readonly #remembersPicture: boolean;
  readonly #lanes = new Map<string, Lane>();

  /**
   * Throws `model_failed` for a file that is not ONNX, cannot be adapted, or is rejected by the runtime.
   *
   * @param roles the roles that the definition's ports have
   */
  static async open(
    source: GraphSource,
    definition: ModelDefinition,
    settings: SessionSettings,
    roles: RoleTables = ROLES,
  ): Promise<OnnxProgram> {
    const { model, folder } = await readModelSource(source);
    // The rewrites are for ONNX Runtime's CPU kernels; other providers have fusions of their own.
    if (settings.executionProviders.every((provider) => provider === "cpu")) fuse(model);
    const hasComputedSizes = model.graph !== undefined && computesSizes(model.graph);
    const { bytes, ...adapted } = adaptGraph(model, definition, roles);
    const session = await Session.open(bytes, settings, folder);
    return new OnnxProgram(session, { ...adapted, hasComputedSizes }, definition, roles);
  }

  private constructor(
    session: Session,
    graph: Omit<AdaptedGraph, "bytes"> & Pick<Program, "hasComputedSizes">,
    definition: ModelDefinition,
    roles: RoleTables,
  ) {
    this.#session = session;
    this.#graph = graph;
    this.hasComputedSizes = graph.hasComputedSizes;
    this.#definition = definition;
    this.#roles = roles;
    const { inputs, outputs } = definition;
    this.#needsOriginal = outputs.some(({ role }) => roles.outputs[role]?.needsOriginal);
    this.#remembersPicture = inputs.some(({ role }) => role === "previous_output");
  }

  async run(items: readonly RunItem[]): Promise<readonly RunOutput[]> {
    const feeds = joinedFeeds(
      items.map((item) => this.#feeds(item)),
      this.#graph.nameOf,
    );
    const { outputs: keys, nameOf } = this.#graph;
    const tensors = await this.#session.run(feeds, keys.map(nameOf));
    const split = keys.map((key) => {
      const tensor = tensors[nameOf(key)];
      return [key, tensor === undefined ? [] : parts(tensor, items.length)] as const;
    });
    return items.map((item, at) => {
      const own = split.flatMap(([key, each]) => {
        const tensor = each[at];
        return tensor === undefined ? [] : [[key, tensor] as const];
      });
      return this.#read(item, Object.fromEntries(own));
    });
  }

  forget(lane: string): void {
    this.#lanes.delete(lane);
  }

  async placements(): Promise<Readonly<Record<string, number>>> {
    return await this.#session.placements();
  }

  async release(): Promise<void> {
    await this.#session.release();
  }

  #laneOf({ lane }: RunItem): Lane {
    const known = this.#lanes.get(lane);
    if (known !== undefined) return known;
    const made: Lane = new Map();
    this.#lanes.set(lane, made);
    return made;
  }

  #feeds(item: RunItem): Fed[] {
    const lane = this.#laneOf(item);
    const { inputs, outputs } = this.#definition;
    const feed = (table: Roles, port: Port): Fed[] =>
      Object.entries(table[port.role]?.feed?.(port, item, lane) ?? {}).map(([key, tensor]) => {
        return { key, tensor, batched: port.batched };
      });
    const all = [
      ...inputs.flatMap((port) => feed(this.#roles.inputs, port)),
      ...outputs.flatMap((port) => feed(this.#roles.outputs, port)),
    ];
    if (this.#needsOriginal && item.original) {
      all.push({ key: ORIGINAL, tensor: pictureTensor(item.original), batched: true });
    }
    return all;
  }

  #read(item: RunItem, outputs: Feeds): RunOutput {
    const lane = this.#laneOf(item);
    const result: RunResult = { picture: null, data: {} };
    for (const port of this.#definition.outputs) {
      this.#roles.outputs[port.role]?.read?.(port, outputs, result, lane);
    }
    // The picture itself is transferred to the main thread.
    if (this.#remembersPicture && result.picture) lane.set(LAST_PICTURE, copyOf(result.picture));
    return result;
  }
}

const copyOf = ({ data, width, height }: Picture): Picture => ({
  data: data.slice(),
  width,
  height,
});

/** A tensor for the graph's edge. */
interface Fed {
  readonly key: string;
  readonly tensor: Tensor;
  readonly batched: boolean;
}

/** The tensors of all items by the graph's names. What has no batch dimension is the same for all of them. */
function joinedFeeds(all: readonly (readonly Fed[])[], nameOf: (key: string) => string) {
  const [first = []] = all;
  return Object.fromEntries(
    first.map(({ key, tensor, batched }, at) => {
      const each = batched ? all.flatMap((feeds) => feeds[at]?.tensor ?? []) : [tensor];
      return [nameOf(key), joined(each)];
    }),
  );
}
