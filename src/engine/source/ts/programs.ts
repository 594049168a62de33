/** Follows the program tables of a transport stream and chooses the program that is read. */
import type { TrackTrouble } from "../demuxer.ts";
import { trackTroubles } from "../track-troubles.ts";
import type { TsPacket } from "./packet.ts";
import { SectionAssembler } from "./section.ts";
import type { TsAudioTrack, TsTrack, TsVideoTrack } from "./stream-types.ts";
import { type PatSection, type ProgramMap, readPat, readPmt } from "./tables.ts";

const PAT_PID = 0;
/** More than multiplexes have: what lies beyond is ignored. */
const MAX_PROGRAMS = 64;
const MAX_SECTIONS = 256;
/** A program whose map has not come after so many program association tables does not exist. */
const MAX_PATS_WITHOUT_MAP = 8;
/** A program none of whose pictures has come is left for one with so many. */
const MIN_PICTURES = 8;

/** A program that the program association table announces. */
interface Program {
  readonly mapPid: number;
  /** Null until its map has come. */
  tracks: readonly TsTrack[] | null;
  patsWithoutMap: number;
  /** PES packets of its video that have begun. */
  pictures: number;
}

/** The tracks that are read: the first video and the first audio track of one program. */
export interface ChosenTracks {
  readonly video: TsVideoTrack | null;
  readonly audio: TsAudioTrack | null;
}

const NONE: ChosenTracks = { video: null, audio: null };

/**
 * The first program with video is read. It stays the one as long as it has video and its pictures come.
 * Without any video, the first program with audio is read once the maps of all programs are known.
 */
export class TsPrograms {
  readonly #pat = new SectionAssembler();
  #patVersion = -1;
  readonly #sections = new Map<number, PatSection["programs"]>();
  /** By program number, in the order of the program association table. */
  #programs = new Map<number, Program>();
  /** By PID; several programs may share one. */
  #maps = new Map<number, SectionAssembler>();
  /** The programs with video by the PID of it; several may share one. */
  #videoPids = new Map<number, Program[]>();
  /** PIDs of the programs with video that are not read. */
  #otherPids: ReadonlySet<number> = new Set();
  /** The newest section of each table, as it came: most are sent again and again. */
  readonly #seen = new Map<string, Uint8Array>();
  #chosen: Program | null = null;
  #tracks = NONE;
  #troubles: TrackTrouble[] = [];
  #reported = "";

  /** The tracks to read; the same object as long as nothing changes. */
  get tracks(): ChosenTracks {
    return this.#tracks;
  }

  /** What became unreadable, or readable again, since the last call. */
  takeTroubles(): TrackTrouble[] {
    return this.#troubles.splice(0);
  }

  /** Takes a packet that belongs to no track that is read. */
  push(packet: TsPacket): void {
    if (packet.pid === PAT_PID) {
      for (const section of this.#pat.push(packet)) {
        if (this.#isRepeat(PAT_PID, section) && !this.#isMapMissing) continue;
        this.#readPat(readPat(section));
      }
      return;
    }
    const map = this.#maps.get(packet.pid);
    if (!map) {
      if (packet.unitStart) this.sawPes(packet.pid);
      return;
    }
    for (const section of map.push(packet)) {
      if (!this.#isRepeat(packet.pid, section)) this.#readMap(readPmt(section), packet.pid);
    }
  }

  /** Takes note that a PES begins. */
  sawPes(pid: number): void {
    for (const program of this.#videoPids.get(pid) ?? []) {
      program.pictures++;
      if (program !== this.#chosen && program.pictures === MIN_PICTURES) this.#choose();
    }
  }

  /** None of the pictures of the program that is read has come: it may be left for another one. */
  get isTentative(): boolean {
    return this.#chosen?.pictures === 0 && this.#otherPids.size > 0;
  }

  /** Whether a track of a program with video that is not read has this PID. */
  isOther(pid: number): boolean {
    return this.#otherPids.has(pid);
  }

  /** Forgets the sections under way on a PID, or on all of them: some of their packets are lost. */
  drop(pid?: number): void {
    if (pid === undefined || pid === PAT_PID) this.#pat.drop();
    for (const [own, map] of this.#maps) if (pid === undefined || pid === own) map.drop();
  }

  #isRepeat(pid: number, section: Uint8Array): boolean {
    const key = `${pid} ${section.subarray(3, 5)} ${section[6]}`;
    const isRepeat = Buffer.compare(this.#seen.get(key) ?? Buffer.of(), section) === 0;
    // Maps are read again after a change of programs.
    if (!isRepeat && pid === PAT_PID) this.#forgetMaps();
    if (this.#seen.size >= MAX_SECTIONS) this.#seen.clear();
    this.#seen.set(key, section);
    return isRepeat;
  }

  #forgetMaps(): void {
    for (const key of this.#seen.keys()) if (!key.startsWith(`${PAT_PID} `)) this.#seen.delete(key);
  }

  get #isMapMissing(): boolean {
    return this.#programs.values().some(({ tracks }) => tracks === null);
  }

  #readPat(pat: PatSection | null): void {
    if (!pat) return;
    if (pat.version !== this.#patVersion) this.#sections.clear();
    this.#patVersion = pat.version;
    this.#sections.set(pat.section, pat.programs);
    for (const section of this.#sections.keys()) {
      if (section > pat.lastSection) this.#sections.delete(section);
    }
    const announced = [...this.#sections].sort(([a], [b]) => a - b).flatMap(([, own]) => own);
    announced.splice(MAX_PROGRAMS);
    const isComplete = this.#sections.size === pat.lastSection + 1;
    const known = this.#programs;
    this.#programs = new Map(
      announced.map(({ program, mapPid }) => {
        const same = known.get(program);
        return [program, same?.mapPid === mapPid ? same : newProgram(mapPid)];
      }),
    );
    if (!isComplete) {
      for (const [number, program] of known) {
        if (!this.#programs.has(number)) this.#programs.set(number, program);
      }
    }
    for (const { program } of pat.programs) {
      const own = this.#programs.get(program);
      if (own && !own.tracks) own.patsWithoutMap++;
    }
    const pids = new Set([...this.#programs.values()].map(({ mapPid }) => mapPid));
    this.#maps = new Map(
      [...pids].map((pid) => [pid, this.#maps.get(pid) ?? new SectionAssembler()]),
    );
    this.#choose();
  }

  #readMap(map: ProgramMap | null, pid: number): void {
    const program = map && this.#programs.get(map.program);
    if (!program || program.mapPid !== pid) return;
    program.tracks = map.tracks;
    this.#choose();
  }

  #choose(): void {
    const programs = [...this.#programs.values()];
    const withVideo = programs.filter((program) => videoOf(program) !== null);
    this.#videoPids = Map.groupBy(withVideo, (program) => videoOf(program)?.pid ?? -1);
    const isSettled = programs.every(
      ({ tracks, patsWithoutMap }) => tracks || patsWithoutMap >= MAX_PATS_WITHOUT_MAP,
    );
    this.#chosen = this.#pick(withVideo) ?? (isSettled ? firstWithAudio(programs) : null);
    const others = withVideo.filter((program) => program !== this.#chosen);
    this.#otherPids = new Set(
      others.flatMap((program) => [videoOf(program)?.pid ?? -1, audioOf(program)?.pid ?? -1]),
    );
    const video = this.#chosen && videoOf(this.#chosen);
    const audio = this.#chosen && audioOf(this.#chosen);
    if (!isSame(video, this.#tracks.video) || !isSame(audio, this.#tracks.audio)) {
      this.#tracks = { video, audio };
    }
    if (this.#chosen || isSettled) this.#report(programs);
  }

  /** Keeps the program whose pictures come; otherwise takes the first, unless it is dead. */
  #pick(withVideo: readonly Program[]): Program | null {
    if (this.#chosen && this.#chosen.pictures > 0 && withVideo.includes(this.#chosen)) {
      return this.#chosen;
    }
    const [first = null] = withVideo;
    if (first && first.pictures > 0) return first;
    return withVideo.find(({ pictures }) => pictures >= MIN_PICTURES) ?? first;
  }

  /** Reports what cannot be read, when it changes. */
  #report(programs: readonly Program[]): void {
    const { video, audio } = this.#tracks;
    const tracks = video
      ? (this.#chosen?.tracks ?? [])
      : programs.flatMap((each) => each.tracks ?? []);
    const unsupported = tracks.filter((track) => track.kind === "unsupported");
    const troubles = trackTroubles("ts", {
      unsupported,
      video: video !== null,
      audio: audio !== null,
    });
    const key = JSON.stringify(troubles);
    if (key === this.#reported) return;
    this.#reported = key;
    this.#troubles.push(...troubles);
  }
}

const newProgram = (mapPid: number): Program => ({
  mapPid,
  tracks: null,
  patsWithoutMap: 0,
  pictures: 0,
});

const videoOf = ({ tracks }: Program): TsVideoTrack | null =>
  tracks?.find((track) => track.kind === "video") ?? null;

const audioOf = ({ tracks }: Program): TsAudioTrack | null =>
  tracks?.find((track) => track.kind === "audio") ?? null;

const firstWithAudio = (programs: readonly Program[]): Program | null =>
  programs.find((program) => audioOf(program) !== null) ?? null;

const isSame = (a: TsVideoTrack | TsAudioTrack | null, b: typeof a): boolean =>
  a?.pid === b?.pid && a?.codec === b?.codec;
