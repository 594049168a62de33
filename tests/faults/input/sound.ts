/** Faults of sound: it vanishes, changes its codec, rate and channels, or is damaged. */
import type { ReadMedia, ReadTrack } from "../../support/clip-reader.ts";
import { soundTrack } from "../../support/sound.ts";
import { moved } from "./clip-feed.ts";
import { type InputFault, inputFault, plainFault } from "./input-fault.ts";

type Sound = Pick<Parameters<typeof soundTrack>[0], "codec" | "sampleRate" | "channels">;

const becomes = (name: string, ...sounds: readonly Sound[]): InputFault =>
  inputFault({
    name,
    prepare: () => {
      const tracks = sounds.map((sound) => soundTrack({ ...sound, seconds: 1, start: 0 }));
      return ({ media, mux, index }) => [
        mux({ ...media, audio: beside(media, tracks[index % tracks.length] ?? null) }),
      ];
    },
  });

/** The track from the first picture on. */
const beside = ({ video }: ReadMedia, track: ReadTrack | null): ReadTrack | null =>
  moved({ video: null, audio: track }, video?.packets[0]?.dts ?? 0).audio;

export const sound: readonly InputFault[] = [
  plainFault("sound vanishes and appears again", ({ media, mux }) => [
    mux({ ...media, audio: null }),
  ]),
  plainFault("sound announced and not sent", ({ media, mux }) => [
    mux({ ...media, audio: media.audio && { ...media.audio, packets: [] } }),
  ]),
  becomes(
    "sound changes its rate",
    { codec: "aac", sampleRate: 44_100 },
    { codec: "aac", sampleRate: 16_000 },
  ),
  becomes("sound becomes mono", { codec: "aac", channels: 1 }),
  becomes("sound changes its codec", { codec: "opus" }, { codec: "aac" }),
  plainFault("sound is noise", ({ media, mux }) => [
    mux({
      ...media,
      audio: media.audio && {
        ...media.audio,
        packets: media.audio.packets.map((packet) => ({
          ...packet,
          data: packet.data.map((byte, index) => byte ^ ((index * 37 + 11) & 0xff)),
        })),
      },
    }),
  ]),
];
