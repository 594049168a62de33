/** A part of CLIP's own vocabulary with its real ids, so that real prompts have their real tokens. */
import type { ClipVocabulary } from "../../src/engine/diffusion/text/clip-vocabulary.ts";

/** `rank:left+right` of each pair, from OpenAI's CLIP (MIT licence, Copyright (c) 2021 OpenAI). */
const PAIRS = `2:a+n 3:r+e 4:a+r 8:o+u 9:o+n 13:o+n</w> 14:a+l 17:i+t 18:i+n</w> 19:t+o</w> 24:a+t</w> 25:an+d</w> 27:o+f</w>
  33:s+t</w> 40:s+h 49:d+e 51:v+e</w> 56:'+s</w> 59:b+e 66:n+o 70:i+r 72:w+it 73:i+t</w> 81:wit+h</w> 94:h+o 99:s+e</w>
  127:d+o 154:q+u 180:no+w</w> 184:it+y</w> 190:a+f 201:'+t</w> 224:re+d</w> 304:p+ho 334:on+g</w> 335:d+on</w> 386:f+o
  437:be+st</w> 463:t+re 499:h+ou 565:g+ir 585:n+a 605:e+p</w> 613:pho+to</w> 700:hou+se</w> 1026:l+ong</w>
  1099:gir+l</w> 1157:sh+ar 1182:al+ity</w> 1417:do+g</w> 1856:c+at</w> 2071:s+now</w> 2165:tre+e</w> 2515:qu+ality</w>
  2728:fo+x</w> 2871:de+ep</w> 2959:c+af 3654:Ã+©</w> 4655:)+)</w> 7645:shar+p</w> 13284:(+(</w> 14792:caf+Ã©</w>
  35177:Ã+¯`;

/** The characters that stand for bytes 0 to 255, in the order of their ids. */
const BYTES = [...range(33, 127), ...range(161, 173), ...range(174, 324)].map((code) =>
  String.fromCodePoint(code),
);

export const START = { spelling: "<|startoftext|>", id: 49406 };
export const END = { spelling: "<|endoftext|>", id: 49407 };
/** What SD 2.x and SDXL's second encoder pad with. */
export const ZERO = { spelling: "!", id: 0 };

export const SAMPLE_VOCABULARY: ClipVocabulary = vocabularyOf(PAIRS);

/** The vocabulary of these pairs, given as `PAIRS` is. Words that need others have other tokens than in the whole one. */
export function vocabularyOf(list: string): ClipVocabulary {
  const pairs = list
    .split(/\s+/)
    .map((pair) => /^(\d+):(.+)\+(.+)$/.exec(pair) ?? [])
    .map(([, rank, left = "", right = ""]) => ({ id: 512 + Number(rank), left, right }))
    .sort((a, b) => a.id - b.id);
  return {
    ids: Object.fromEntries([
      ...BYTES.map((byte, id) => [byte, id]),
      ...BYTES.map((byte, id) => [`${byte}</w>`, 256 + id]),
      ...pairs.map(({ id, left, right }) => [left + right, id]),
      ...[START, END].map(({ spelling, id }) => [spelling, id]),
    ]),
    merges: pairs.map(({ left, right }) => `${left} ${right}`),
    start: START,
    end: END,
    pad: END,
    length: 77,
  };
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}
