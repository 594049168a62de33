/** Writes the text of NOTICE: what the binary contains, under which licences, and what they ask of those who pass it on. */
import { NATIVE_FILES, type NativePart } from "../../src/native/parts.ts";
import type { NpmPackage } from "./npm-packages.ts";

export function renderNotice(packages: readonly NpmPackage[]): string {
  const native = NATIVE_FILES.flatMap((file) => [
    `### ${titled(file)}`,
    "",
    `${file.license}, ${file.url}`,
    "",
    ...table("linked into it", file.links.map(columns)),
    "",
  ]);
  return [
    INTRODUCTION,
    ...native,
    "## npm packages",
    "",
    ...table("package", packages.map(columns)),
    "",
  ].join("\n");
}

const titled = ({ name, version }: NativePart): string =>
  version === undefined ? name : `${name} ${version}`;

const columns = (one: NativePart): string[] => [titled(one), one.license, one.url];

/** In columns of one width, as the formatter has them. */
function table(title: string, rows: readonly (readonly string[])[]): string[] {
  const all = [[title, "licence", "source"], ...rows];
  const widths = [0, 1, 2].map((n) => Math.max(...all.map((row) => row[n]?.length ?? 0)));
  const lines = all.map((row) => row.map((cell, n) => cell.padEnd(widths[n] ?? 0)));
  lines.splice(
    1,
    0,
    widths.map((width) => "-".repeat(width)),
  );
  return lines.map((cells) => `| ${cells.join(" | ")} |`);
}

const INTRODUCTION = `# NOTICE

<!-- Written by \`bun run notice\`; a test compares it with what the binary is built of. -->

The source code of comfystream-byoc is under the MIT license ([LICENSE](LICENSE)). What is built from it, the binary and the
images that hold it, contains the works below.

## The binary is under the GPL, version 3 or later

The FFmpeg in it is configured with \`--enable-gpl --enable-version3\` and linked with x264, x265 and FFTW, so FFmpeg reports its
license as "GPL version 3 or later". The MIT license allows our code to be combined with it; the binary as a whole may be passed
on only under the GPL, version 3 or later. Running it, also as a service for others, asks nothing of you. If you give the binary
or an image to somebody else:

- give them this file and the texts of the licences (the folder \`licenses\` of a release);
- give them the complete corresponding source, or offer it next to the download for as long as the download is there (GPL 3,
  section 6): this repository at the version that \`--version\` prints, with its lockfile and build script; node-av at the
  version below with its build scripts, and the FFmpeg that it builds (a fork of jellyfin-ffmpeg) with the sources of what is
  linked into it; Bun and its WebKit, whose LGPL parts must stay replaceable: the build script takes any Bun of that version;
- forbid them nothing that the GPL allows: modifying, passing on, reverse engineering.

Two things to know before you distribute it:

- FFmpeg is linked with fdk-aac-stripped. FFmpeg's own configuration counts fdk-aac as non-free and refuses to combine it with
  the GPL; jellyfin-ffmpeg removes that check for the stripped version, which leaves out parts under patents. The Free Software
  Foundation lists the FDK-AAC license as free but incompatible with the GPL. comfystream-byoc never uses this encoder, but it is
  in the file. If that matters to you, pass on the source or an image recipe, and let recipients build.
- Licences of code do not cover patents on H.264, H.265 and AAC; their pools may ask for royalties.

## Native code

The versions are those that the files report; parts without one are linked in versions that only the build scripts know.
`;
