/** The model `thermal`: shows brightness in false colours from a table, like a thermal camera. */
import { GraphBuilder } from "../graph-builder.ts";
import { GraphMath } from "../graph-math.ts";
import { luma } from "../luma.ts";
import { type BuiltIn, drawing, INTEGER, NUMBER, PICTURE } from "./built-in.ts";

/** Colour stops from cold to hot: iron, embers, deep sea. */
const PALETTES = [
  [0x00000c, 0x28087c, 0x8c0c98, 0xd8385c, 0xf88c14, 0xfcd840, 0xfffff0],
  [0x000004, 0x500c10, 0xa81c08, 0xe85404, 0xfc9c10, 0xfce060, 0xffffff],
  [0x000820, 0x00285c, 0x006c8c, 0x00a890, 0x58d070, 0xc8f048, 0xffffe0],
] as const;
const STEPS = 256;

export const thermal: BuiltIn = {
  json: {
    description: "Shows brightness in the colours of a thermal camera (a table of colours)",
    file: "thermal.onnx",
    inputs: {
      palette: {
        role: "param",
        default: 0,
        min: 0,
        max: PALETTES.length - 1,
        integer: true,
        description: "0 iron, 1 embers, 2 deep sea",
      },
      gain: {
        role: "param",
        default: 1.2,
        min: 0.2,
        max: 4,
        description: "Contrast between cold and hot",
      },
      shift: {
        role: "param",
        default: 0,
        min: -1,
        max: 1,
        description: "Shifts everything towards cold (-1) or hot (1)",
      },
    },
  },
  signature: drawing({ picture: PICTURE, palette: INTEGER, gain: NUMBER, shift: NUMBER }),
  graph() {
    const graph = new GraphBuilder();
    const m = new GraphMath(graph);
    const picture = graph.input("picture", "uint8", [1, 3, "height", "width"]);
    const palette = graph.input("palette", "int64", []);
    const gain = graph.input("gain", "float32", []);
    const shift = graph.input("shift", "float32", []);

    const middle = (STEPS - 1) / 2;
    const offset = m.add(m.mul(m.sub(shift, gain), middle), middle);
    const heat = m.clamp(m.add(m.mul(luma(graph, picture), gain), offset), 0, STEPS - 1);
    const place = graph.cast(m.reshape(heat, -1), "int32");
    const tables = graph.constant("uint8", [PALETTES.length, 3, STEPS], PALETTES.flatMap(table));
    const chosen = graph.node("Gather", [tables, palette], { axis: 0n });
    const planes = graph.node("Gather", [chosen, place], { axis: 1n });
    const image = graph.node("Reshape", [planes, graph.node("Shape", [picture])]);
    graph.output("image", image, "uint8", [1, 3, "height", "width"]);
    return graph.build("thermal");
  },
};

/** The table of a palette: all red values, then green, then blue. */
function table(stops: readonly number[]): number[] {
  return [16, 8, 0].flatMap((shift) =>
    Array.from({ length: STEPS }, (_, step) => {
      const at = (step / (STEPS - 1)) * (stops.length - 1);
      const channel = (index: number): number =>
        ((stops[index] ?? stops.at(-1) ?? 0) >> shift) & 255;
      const [from, to] = [channel(Math.floor(at)), channel(Math.floor(at) + 1)];
      return Math.round(from + (to - from) * (at % 1));
    }),
  );
}
