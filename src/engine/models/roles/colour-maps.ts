/** Colour maps: the colours of equidistant values from 0 to 1, between which colours are interpolated. */

/** As 24-bit RGB. Approximations of matplotlib's inferno and viridis (CC0) and Google's turbo, and plain grey. */
export const COLOUR_MAPS = {
  inferno: [
    0x000004, 0x1b0c41, 0x4a0c6b, 0x781c6d, 0xa52c60, 0xcf4446, 0xed6925, 0xfb9b06, 0xf7d13d,
    0xfcffa4,
  ],
  viridis: [
    0x440154, 0x482878, 0x3e4989, 0x31688e, 0x26828e, 0x1f9e89, 0x35b779, 0x6ece58, 0xb5de2b,
    0xfde725,
  ],
  turbo: [
    0x30123b, 0x4458cb, 0x3e9bfe, 0x18d6cb, 0x46f884, 0xa4fc3c, 0xe1dd37, 0xfea632, 0xf05b12,
    0xc32503, 0x7a0403,
  ],
  gray: [0x000000, 0xffffff],
} as const;

/** 256 values from 0 to 255 of one channel: 0 is red, 1 green, 2 blue. */
export function colourTable(name: keyof typeof COLOUR_MAPS, channel: number): number[] {
  const stops = COLOUR_MAPS[name].map((rgb) => (rgb >> (16 - 8 * channel)) & 0xff);
  return Array.from({ length: 256 }, (_, step) => {
    const place = (step / 255) * (stops.length - 1);
    const below = Math.min(stops.length - 2, Math.floor(place));
    const from = stops[below] ?? 0;
    return from + ((stops[below + 1] ?? from) - from) * (place - below);
  });
}
