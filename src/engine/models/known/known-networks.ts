/** The table of well-known networks. Adding one means writing its file and naming it here. */
import type { GraphSignature } from "../tensor-signature.ts";
import { ANIME_GAN } from "./anime-gan.ts";
import { DEPTH_ANYTHING } from "./depth-anything.ts";
import { FAST_NEURAL_STYLE } from "./fast-neural-style.ts";
import type { KnownNetwork } from "./known-network.ts";
import { MATTING } from "./matting.ts";
import { PADDLE_OCR } from "./paddle-ocr.ts";
import { REAL_ESRGAN } from "./real-esrgan.ts";
import { SALIENT_OBJECT } from "./salient-object.ts";
import { STYLE_TRANSFER } from "./style-transfer.ts";
import { TERRAIN } from "./terrain.ts";
import { YUNET } from "./yunet.ts";

/** The first that matches counts: those with names of their own come before those that the file's name must tell. */
export const KNOWN_NETWORKS: readonly KnownNetwork[] = [
  ...STYLE_TRANSFER,
  TERRAIN,
  ...PADDLE_OCR,
  ...MATTING,
  DEPTH_ANYTHING,
  ...SALIENT_OBJECT,
  FAST_NEURAL_STYLE,
  YUNET,
  ...ANIME_GAN,
  REAL_ESRGAN,
];

/**
 * The network that a file contains by its inputs and outputs; null for one that is not in the table.
 *
 * @param file its name, which decides between networks with the same inputs and outputs
 */
export const recogniseNetwork = (signature: GraphSignature, file: string): KnownNetwork | null =>
  KNOWN_NETWORKS.find((network) => network.matches(signature, file)) ?? null;
