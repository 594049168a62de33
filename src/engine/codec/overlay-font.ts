/** The letters of the overlay: dots on a grid, joined to strokes, so that they are smooth at any size and need no font file. */

/** A stroke from one point of the grid to another; y runs downwards, capitals fill the rows 0 to 6. */
export type Stroke = readonly [x1: number, y1: number, x2: number, y2: number];

/** Steps of the grid from the top of a capital to its foot; letters such as g reach two further. */
export const CAP_STEPS = 6;
const GAP = 2;
const SPACE = 3;

/** A digit in base 32 for each row from the top: its bits are the dots of five columns. */
const GLYPHS: Readonly<Record<string, string>> = Object.fromEntries(
  `0ehhhhhe 14c4444e 2eh1248v 3eh161he 426aiv22 5vgu11he 6egguhhe 7v122444 8ehhehhe 9ehhf11e
  a00c2eie bggsiiis c00eggge d22eiiie e00ciuge f68u8888 g00eiiie2c hggsiiii ig0ggggg j40444444o
  kggikoki lgggggg8 m00ullll n00siiii o00ciiic p00siiisgg q00eiiie22 r00moggg s00egc2s t88u8886
  u00iiiie v00hhaa4 w00hllla x00ha4ah y00iiiie2c z00u2cgu
  Aehhvhhh Buhhuhhu Cehggghe Duhhhhhu Euggsggu Fuggsggg Gehgjhhf Hhhhvhhh Iggggggg J22222ic
  Khikokih Lggggggu Mhrlhhhh Nhplljhh Oehhhhhe Puhhuggg Qehhhlid Ruhhukih Sfgge11u Tv444444
  Uhhhhhhe Vhhhaaa4 Whhhllrh Xhaa4aah Yhha4444 Zv1248gv
  .000000g :00g000g -0000s00 _0000000u ·0000g00 …000000l`
    .split(/\s+/)
    .map((glyph) => [glyph.charAt(0), glyph.slice(1)]),
);

/** The text's strokes from x = 0 on, and how many steps wide it is. Characters that are not known are left blank. */
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
    // Digits are of one width, so that a number that counts stands still.
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

/** Neighbours are joined; across a corner only where no third dot rounds it. A dot alone is a stroke of no length. */
function joined(dots: readonly Dot[]): Stroke[] {
  const has = (x: number, y: number): boolean => dots.some((dot) => dot.x === x && dot.y === y);
  const alone = ({ x, y }: Dot): boolean =>
    !dots.some((dot) => Math.max(Math.abs(dot.x - x), Math.abs(dot.y - y)) === 1);
  return dots.flatMap((dot): Stroke[] => {
    const { x, y } = dot;
    const strokes: Stroke[] = alone(dot) ? [[x, y, x, y]] : [];
    if (has(x + 1, y)) strokes.push([x, y, x + 1, y]);
    if (has(x, y + 1)) strokes.push([x, y, x, y + 1]);
    for (const side of [-1, 1]) {
      const rounded = has(x + side, y) || has(x, y + 1);
      if (has(x + side, y + 1) && !rounded) strokes.push([x, y, x + side, y + 1]);
    }
    return strokes;
  });
}
