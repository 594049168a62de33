/** Turns the PES packets of one video track of a transport stream into video packets, one a picture. */
import type { VideoPacket } from "../../../media/encoded-packet.ts";
import { type AccessUnit, AccessUnitAssembler } from "./access-unit-assembler.ts";
import type { Pes } from "./pes-assembler.ts";
import { UnitClock } from "./unit-clock.ts";

export class VideoLane {
  readonly #codec: "h264" | "hevc";
  readonly #units: AccessUnitAssembler;
  readonly #clock: UnitClock;

  constructor(codec: "h264" | "hevc") {
    this.#codec = codec;
    this.#units = new AccessUnitAssembler(codec);
    this.#clock = new UnitClock(this.#units);
  }

  /** The pictures that this PES completes. */
  push(pes: Pes, arrivedAt: number): VideoPacket[] {
    return this.#packets(this.#units.push(pes, arrivedAt));
  }

  /** The pictures that the end of a segment completes. */
  end(): VideoPacket[] {
    return [...this.#packets(this.#units.end()), ...this.#packetsOf(this.#clock.flush())];
  }

  /** Drops a picture that is under way. */
  drop(): void {
    this.#units.drop();
  }

  #packets(units: readonly AccessUnit[]): VideoPacket[] {
    return units.flatMap((unit) => this.#packetsOf(this.#clock.push(unit)));
  }

  #packetsOf(timed: ReturnType<UnitClock["flush"]>): VideoPacket[] {
    return timed.map(({ unit: { data, keyFrame }, pts, dts, arrivedAt }) => {
      return { kind: "video", codec: this.#codec, data, pts, dts, keyFrame, arrivedAt };
    });
  }
}
