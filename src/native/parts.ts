/**
 * Lists the native code that the program runs with, and its licences: for `--version`, NOTICE and the SBOM. A test compares it
 * with the configuration that FFmpeg reports, with the codecs' own versions and with package.json.
 */
import manifest from "../../package.json" with { type: "json" };

export interface NativePart {
  readonly name: string;
  /** As the part reports it; absent where nothing in the binary says. */
  readonly version?: string;
  /** An SPDX expression. */
  readonly license: string;
  readonly url: string;
}

/** A file of native code with what is linked into it. */
export interface NativeFile extends NativePart {
  readonly links: readonly NativePart[];
}

const part = (name: string, license: string, url: string, version?: string): NativePart =>
  version === undefined ? { name, license, url } : { name, license, url, version };

/** By the options of FFmpeg's configuration that link them; those that only switch something on are not here. */
export const FFMPEG_PARTS: Readonly<Record<string, readonly NativePart[]>> = {
  "indev=alsa": [part("alsa-lib", "LGPL-2.1-or-later", "https://github.com/alsa-project/alsa-lib")],
  iconv: [part("libiconv", "LGPL-2.1-or-later", "https://www.gnu.org/software/libiconv")],
  zlib: [part("zlib", "Zlib", "https://github.com/madler/zlib", "1.3.1.2")],
  libfreetype: [part("FreeType", "FTL OR GPL-2.0-or-later", "https://freetype.org")],
  libfribidi: [part("FriBidi", "LGPL-2.1-or-later", "https://github.com/fribidi/fribidi")],
  gmp: [part("GMP", "LGPL-3.0-or-later OR GPL-2.0-or-later", "https://gmplib.org")],
  libxml2: [part("libxml2", "MIT", "https://gitlab.gnome.org/GNOME/libxml2")],
  openssl: [part("OpenSSL", "Apache-2.0", "https://github.com/openssl/openssl", "3.4.3")],
  lzma: [part("liblzma", "0BSD", "https://github.com/tukaani-project/xz")],
  fontconfig: [part("Fontconfig", "HPND", "https://gitlab.freedesktop.org/fontconfig/fontconfig")],
  libharfbuzz: [part("HarfBuzz", "MIT", "https://github.com/harfbuzz/harfbuzz", "10.4.0")],
  libvorbis: [
    part("libvorbis", "BSD-3-Clause", "https://github.com/xiph/vorbis"),
    part("libogg", "BSD-3-Clause", "https://github.com/xiph/ogg"),
  ],
  opencl: [
    part("OpenCL ICD Loader", "Apache-2.0", "https://github.com/KhronosGroup/OpenCL-ICD-Loader"),
  ],
  libxcb: [
    part("libxcb", "X11", "https://gitlab.freedesktop.org/xorg/lib/libxcb"),
    part("libX11 and X extensions", "X11", "https://gitlab.freedesktop.org/xorg/lib/libx11"),
  ],
  amf: [part("AMF headers", "MIT", "https://github.com/GPUOpen-LibrariesAndSDKs/AMF")],
  chromaprint: [
    part("Chromaprint", "MIT AND LGPL-2.1-or-later", "https://github.com/acoustid/chromaprint"),
    part("FFTW", "GPL-2.0-or-later", "https://github.com/FFTW/fftw3"),
  ],
  libdav1d: [part("dav1d", "BSD-2-Clause", "https://code.videolan.org/videolan/dav1d")],
  "libfdk-aac": [
    part("fdk-aac-stripped", "FDK-AAC", "https://gitlab.freedesktop.org/wtaymans/fdk-aac-stripped"),
  ],
  ffnvcodec: [part("nv-codec-headers", "MIT", "https://github.com/FFmpeg/nv-codec-headers")],
  libass: [part("libass", "ISC", "https://github.com/libass/libass")],
  libbluray: [
    part("libbluray", "LGPL-2.1-or-later", "https://code.videolan.org/videolan/libbluray"),
    part("libudfread", "LGPL-2.1-or-later", "https://code.videolan.org/videolan/libudfread"),
  ],
  libjxl: [
    part("libjxl", "BSD-3-Clause", "https://github.com/libjxl/libjxl"),
    part("Highway", "Apache-2.0 OR BSD-3-Clause", "https://github.com/google/highway"),
    part("Brotli", "MIT", "https://github.com/google/brotli"),
  ],
  libmp3lame: [part("LAME", "LGPL-2.0-or-later", "https://lame.sourceforge.io")],
  libopus: [part("Opus", "BSD-3-Clause", "https://github.com/xiph/opus")],
  libtheora: [part("libtheora", "BSD-3-Clause", "https://github.com/xiph/theora")],
  libvpl: [part("libvpl", "MIT", "https://github.com/intel/libvpl")],
  libvpx: [
    part("libvpx", "BSD-3-Clause", "https://chromium.googlesource.com/webm/libvpx", "1.15.2"),
  ],
  libwebp: [part("libwebp", "BSD-3-Clause", "https://chromium.googlesource.com/webm/libwebp")],
  libopenmpt: [part("libopenmpt", "BSD-3-Clause", "https://lib.openmpt.org")],
  libsrt: [part("SRT", "MPL-2.0", "https://github.com/Haivision/srt", "1.5.5")],
  libsvtav1: [
    part("SVT-AV1", "BSD-3-Clause-Clear", "https://gitlab.com/AOMediaCodec/SVT-AV1", "3.1.2"),
  ],
  libdrm: [
    part("libdrm", "MIT", "https://gitlab.freedesktop.org/mesa/drm"),
    part("libpciaccess", "MIT", "https://gitlab.freedesktop.org/xorg/lib/libpciaccess"),
  ],
  vaapi: [part("libva", "MIT", "https://github.com/intel/libva")],
  vulkan: [part("Vulkan headers and loader", "Apache-2.0", "https://github.com/KhronosGroup")],
  libshaderc: [
    part("shaderc", "Apache-2.0", "https://github.com/google/shaderc"),
    part("glslang", "BSD-3-Clause AND Apache-2.0", "https://github.com/KhronosGroup/glslang"),
    part("SPIRV-Tools", "Apache-2.0", "https://github.com/KhronosGroup/SPIRV-Tools"),
  ],
  libplacebo: [
    part(
      "libplacebo",
      "LGPL-2.1-or-later",
      "https://code.videolan.org/videolan/libplacebo",
      "7.351.0",
    ),
    part("SPIRV-Cross", "Apache-2.0", "https://github.com/KhronosGroup/SPIRV-Cross"),
  ],
  libx264: [
    part("x264", "GPL-2.0-or-later", "https://code.videolan.org/videolan/x264", "core 165"),
  ],
  libx265: [
    part(
      "x265",
      "GPL-2.0-or-later",
      "https://bitbucket.org/multicoreware/x265_git",
      "4.1+54-fa2770934",
    ),
  ],
  libzimg: [part("zimg", "WTFPL", "https://github.com/sekrit-twc/zimg")],
  libzvbi: [
    part("zvbi", "LGPL-2.0-or-later AND GPL-2.0-or-later", "https://github.com/zapping-vbi/zvbi"),
  ],
  whisper: [
    part("whisper.cpp and ggml", "MIT", "https://github.com/ggml-org/whisper.cpp", "1.8.3"),
  ],
};

const { engines, dependencies } = manifest;

/** The files in the order in which `--version` shows them. */
export const NATIVE_FILES: readonly NativeFile[] = [
  {
    ...part("Bun", "MIT", "https://github.com/oven-sh/bun", engines.bun),
    links: [
      part("JavaScriptCore", "LGPL-2.0-or-later", "https://github.com/oven-sh/WebKit"),
      part(
        "BoringSSL",
        "Apache-2.0 AND OpenSSL AND ISC",
        "https://boringssl.googlesource.com/boringssl",
      ),
      part("Brotli", "MIT", "https://github.com/google/brotli"),
      part("c-ares", "MIT", "https://github.com/c-ares/c-ares"),
      part("ICU", "Unicode-3.0", "https://github.com/unicode-org/icu"),
      part("libarchive", "BSD-2-Clause", "https://github.com/libarchive/libarchive"),
      part("libbase64", "BSD-2-Clause", "https://github.com/aklomp/base64"),
      part("libdeflate", "MIT", "https://github.com/ebiggers/libdeflate"),
      part("lol-html", "BSD-3-Clause", "https://github.com/cloudflare/lol-html"),
      part("ls-hpack", "MIT", "https://github.com/litespeedtech/ls-hpack"),
      part("mimalloc", "MIT", "https://github.com/microsoft/mimalloc"),
      part("picohttpparser", "MIT", "https://github.com/h2o/picohttpparser"),
      part("simdutf", "Apache-2.0", "https://github.com/simdutf/simdutf"),
      part("TinyCC", "LGPL-2.1-or-later", "https://github.com/tinycc/tinycc"),
      part("uSockets and uWebSockets", "Apache-2.0", "https://github.com/uNetworking/uWebSockets"),
      part("zlib-cloudflare", "Zlib", "https://github.com/cloudflare/zlib"),
      part("Zstandard", "BSD-3-Clause", "https://github.com/facebook/zstd"),
    ],
  },
  {
    ...part(
      "FFmpeg",
      "GPL-3.0-or-later",
      "https://github.com/jellyfin/jellyfin-ffmpeg",
      "8.1-Jellyfin",
    ),
    links: [
      part("node-av", "MIT", "https://github.com/seydx/node-av", dependencies["node-av"]),
      ...Object.values(FFMPEG_PARTS).flat(),
    ],
  },
  {
    ...part(
      "ONNX Runtime",
      "MIT",
      "https://github.com/microsoft/onnxruntime",
      dependencies["onnxruntime-node"],
    ),
    links: [
      part("abseil-cpp", "Apache-2.0", "https://github.com/abseil/abseil-cpp"),
      part("cpuinfo", "BSD-2-Clause", "https://github.com/pytorch/cpuinfo"),
      part("curl", "curl", "https://github.com/curl/curl"),
      part("Dawn", "BSD-3-Clause", "https://dawn.googlesource.com/dawn"),
      part("Eigen", "MPL-2.0", "https://gitlab.com/libeigen/eigen"),
      part("FlatBuffers", "Apache-2.0", "https://github.com/google/flatbuffers"),
      part(
        "Microsoft 1DS telemetry client",
        "Apache-2.0",
        "https://github.com/microsoft/cpp_client_telemetry",
      ),
      part("ONNX", "Apache-2.0", "https://github.com/onnx/onnx"),
      part("Protocol Buffers", "BSD-3-Clause", "https://github.com/protocolbuffers/protobuf"),
      part("RE2", "BSD-3-Clause", "https://github.com/google/re2"),
      part("SQLite", "blessing", "https://sqlite.org"),
    ],
  },
];

/** What `--version` prints below the program's own version: the native files, the codecs of its output, the muxer. */
export function describeParts(): string {
  const { libx264 = [], libx265 = [] } = FFMPEG_PARTS;
  const shown = [
    ...NATIVE_FILES,
    ...libx264,
    ...libx265,
    part("node-av", "MIT", "", dependencies["node-av"]),
    part("mp4box", "BSD-3-Clause", "", dependencies.mp4box),
  ];
  return shown.map(({ name, version, license }) => `  ${name} ${version} (${license})`).join("\n");
}
