/** Pictures of parameters and model folders, decoded as models take them. */
import { afterEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StillPicture } from "../../src/engine/models/roles/role.ts";
import { StillPictures } from "../../src/engine/plan/still-pictures.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import { dataUri, pngFile } from "../support/image-files.ts";

/** Neither is a multiple of the alignment of FFmpeg's rows. */
const SIZE = { width: 13, height: 7 };
const folders: string[] = [];

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

const plainPng = (level: number): Promise<Uint8Array> =>
  pngFile({ width: 20, height: 20, data: new Uint8Array(20 * 20 * 3).fill(level) });

const uriOf = async (level: number): Promise<string> => dataUri("png", await plainPng(level));

/** The only level of all samples. */
function levelOf(picture: StillPicture | null): number | null {
  if (picture === null) return null;
  expect(picture).toMatchObject(SIZE);
  expect(picture.data.length).toBe(13 * 7 * 3);
  const [level, ...others] = new Set(picture.data);
  expect(others).toEqual([]);
  return level ?? null;
}

test("a picture is there once it is decoded, and the same object from then on", async () => {
  using stills = new StillPictures(UNRECORDED_CALLS);
  const uri = await uriOf(90);
  const get = () => stills.get("m x", { uri }, null, SIZE);
  expect(get()).toBeNull();
  await stills.settled;
  expect(levelOf(get())).toBe(90);
  expect(get()).toBe(get());
});

test("the picture before is used until a new one is decoded", async () => {
  using stills = new StillPictures(UNRECORDED_CALLS);
  const [first, second] = [await uriOf(90), await uriOf(200)];
  const get = (uri: string) => levelOf(stills.get("m x", { uri }, null, SIZE));
  get(first);
  await stills.settled;
  expect(get(second)).toBe(90);
  await stills.settled;
  expect(get(second)).toBe(200);
});

test("of pictures that change faster than they are decoded, the newest is shown", async () => {
  using stills = new StillPictures(UNRECORDED_CALLS);
  const uris = await Promise.all([90, 120, 200].map(uriOf));
  const get = (uri = "") => levelOf(stills.get("m x", { uri }, null, SIZE));
  for (const uri of uris) get(uri);
  await stills.settled;
  expect(get(uris[2])).toBe(200);
});

test("a picture that cannot be decoded leaves the one before, and is reported until it is replaced", async () => {
  using stills = new StillPictures(UNRECORDED_CALLS);
  const good = await uriOf(90);
  const get = (uri: string) => levelOf(stills.get("m x", { uri }, null, SIZE));
  get(good);
  await stills.settled;
  expect(stills.errorWith({ image: good })).toBeNull();
  const broken = dataUri("png", (await plainPng(10)).subarray(0, 40));
  get(broken);
  await stills.settled;
  expect(get(broken)).toBe(90);
  expect(stills.errorWith({ style: broken })?.message).toBe(
    "style is an incomplete PNG: send the whole file",
  );
  get(good);
  expect(stills.errorWith({ image: good })).toBeNull();
});

test("a broken picture that a parameter no longer holds is reported no longer", async () => {
  using stills = new StillPictures(UNRECORDED_CALLS);
  stills.get("m x", { uri: "data:image/png;base64,AAAA" }, null, SIZE);
  await stills.settled;
  expect(stills.errorWith({ image: "data:image/png;base64,AAAA" })).not.toBeNull();
  expect(stills.errorWith({})).toBeNull();
});

test("a file is read again when the models have changed, and shown as it was until then", async () => {
  const folder = await mkdtemp(join(tmpdir(), "still-"));
  folders.push(folder);
  await Bun.write(join(folder, "style.png"), await plainPng(90));
  using stills = new StillPictures(UNRECORDED_CALLS);
  const get = () => levelOf(stills.get("m x", { file: "style.png" }, folder, SIZE));
  get();
  await stills.settled;
  expect(get()).toBe(90);
  await Bun.write(join(folder, "style.png"), await plainPng(200));
  expect(get()).toBe(90);
  stills.refresh();
  expect(get()).toBe(90);
  await stills.settled;
  expect(get()).toBe(200);
});

test("a file that is missing is named", async () => {
  using stills = new StillPictures(UNRECORDED_CALLS);
  stills.get("m x", { file: "style.png" }, "/nowhere", SIZE);
  await stills.settled;
  expect(stills.errorWith({})?.message).toStartWith("style.png cannot be used: ");
});

test("a file that is no picture is named", async () => {
  const folder = await mkdtemp(join(tmpdir(), "still-"));
  folders.push(folder);
  await Bun.write(join(folder, "style.png"), "text");
  using stills = new StillPictures(UNRECORDED_CALLS);
  stills.get("m x", { file: "style.png" }, folder, SIZE);
  await stills.settled;
  expect(stills.errorWith({})?.message).toStartWith("style.png is not a PNG, JPEG or WebP");
});
