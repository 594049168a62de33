/** The font of the overlay: dots on a grid joined to strokes, so that text is smooth at any size without a font file. */

/** A stroke between two points of the grid; y grows downwards, and capitals span the rows 0 to 6. */
export type Stroke = readonly [x1: number, y1: number, x2: number, y2: number];

/** Steps of the grid from the top of a capital to the baseline; descenders reach two steps lower. */
export const CAP_STEPS = 6;
/** Steps between two characters. */
const GAP = 2;
/** Steps that a space, or an unknown character, takes. */
const SPACE = 3;

/** Each character, followed by one base-32 digit per row from the top: its bits are the dots of five columns. */
const GLYPHS: Readonly<Record<string, string>> = Object.fromEntries(
  `0ehhhhhe 14c4444e 2eh1248v 3eh161he 426aiv22 5vgu11he 6egguhhe 7v122444 8ehhehhe 9ehhf11e
  a00c2eie bggsiiis c00eggge d22eiiie e00ciuge f68u8888 g00eiiie2c hggsiiii ig0ggggg j40444444o
  kggikoki lgggggg8 m00ullll n00siiii o00ciiic p00siiisgg q00eiiie22 r00moggg s00egc2s t88u8886
  u00iiiie v00hhaa4 w00hllla x00ha4ah y00iiiie2c z00u2cgu
  Aehhvhhh Buhhuhhu Cehggghe Duhhhhhu Euggsggu Fuggsggg Gehgjhhf Hhhhvhhh Iggggggg J22222ic
  Khikokih Lggggggu Mhrlhhhh Nhplljhh Oehhhhhe Puhhuggg Qehhhlid Ruhhukih Sfgge11u Tv444444
  Uhhhhhhe Vhhhaaa4 Whhhllrh Xhaa4aah Yhha4444 Zv1248gv
  .000000g :00g000g -0000s00 _0000000u ·0000g00 …000000l %pq248bj °ciic`
    .split(/\s+/)
    .map((glyph) => [glyph.charAt(0), glyph.slice(1)]),
);

/** The strokes of a text that begins at x = 0, and its width in steps. Unknown characters are left blank. */
export function strokesOf(text: string): { strokes: readonly Stroke[]; width: number } {
  const strokes: Stroke[] = [];
  let x = 0;
  for (const character of text) {
    const glyph = GLYPHS[character];
    if (glyph === undefined) {
      x += SPACE;
      continue;
    }
    const dots = dotsOf(glyph);
    // All digits have the same width, so that text after a counting number does not move.
    const columns = /\d/.test(character) ? 4 : Math.max(...dots.map((dot) => dot.x));
    strokes.push(...joined(dots).map(([x1, y1, x2, y2]): Stroke => [x1 + x, y1, x2 + x, y2]));
    x += columns + GAP;
  }
  return { strokes, width: Math.max(0, x - GAP) };
}

interface Dot {
  readonly x: number;
  readonly y: number;
}

function dotsOf(glyph: string): Dot[] {
  const rows = [...glyph].map((digit) => Number.parseInt(digit, 32));
  return rows.flatMap((bits, y) =>
    [0, 1, 2, 3, 4].filter((x) => bits & (16 >> x)).map((x) => ({ x, y })),
  );
}

/** Joins neighbouring dots; diagonal ones only where no third dot fills the corner. A single dot is a stroke of length 0. */
function joined(dots: readonly Dot[]): Stroke[] {
  const has = (x: number, y: number): boolean => dots.some((dot) => dot.x === x && dot.y === y);
  const isSingle = ({ x, y }: Dot): boolean =>
    !dots.some((dot) => Math.max(Math.abs(dot.x - x), Math.abs(dot.y - y)) === 1);
  return dots.flatMap((dot): Stroke[] => {
    const { x, y } = dot;
    const strokes: Stroke[] = isSingle(dot) ? [[x, y, x, y]] : [];
    if (has(x + 1, y)) strokes.push([x, y, x + 1, y]);
    if (has(x, y + 1)) strokes.push([x, y, x, y + 1]);
    for (const side of [-1, 1]) {
      const isFilled = has(x + side, y) || has(x, y + 1);
      if (has(x + side, y + 1) && !isFilled) strokes.push([x, y, x + side, y + 1]);
    }
    return strokes;
  });
}
