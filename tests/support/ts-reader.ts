/** Reads every header field of a transport stream that a muxer is responsible for. */

const PACKET_BYTES = 188;

export interface SeenPacket {
  readonly pid: number;
  readonly counter: number;
  readonly unitStart: boolean;
  readonly discontinuity: boolean;
  readonly randomAccess: boolean;
  /** In 90 kHz ticks. */
  readonly pcr: number | null;
  /** Stuffing bytes in the adaptation field. */
  readonly stuffing: number;
  readonly payload: Uint8Array;
}

/** One PES packet. */
export interface SeenUnit {
  readonly streamId: number;
  /** The PES length as written; 0 if unspecified. */
  readonly length: number;
  readonly pts: number;
  readonly data: Uint8Array;
  readonly packets: readonly SeenPacket[];
}

/** All packets. Throws if one does not start with the sync byte or the last is incomplete. */
export function seenPackets(bytes: Uint8Array): SeenPacket[] {
  if (bytes.length % PACKET_BYTES !== 0)
    throw new Error(`${bytes.length} bytes are not a whole number of packets`);
  return Array.from({ length: bytes.length / PACKET_BYTES }, (_, index) =>
    seenPacket(bytes.subarray(index * PACKET_BYTES, (index + 1) * PACKET_BYTES)),
  );
}

function seenPacket(bytes: Uint8Array): SeenPacket {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint8(0) !== 0x47) throw new Error("a packet does not start with 0x47");
  const control = view.getUint8(3);
  const hasField = (control & 0x20) !== 0;
  const field = hasField ? 1 + view.getUint8(4) : 0;
  const flags = field > 1 ? view.getUint8(5) : 0;
  const hasPcr = (flags & 0x10) !== 0;
  return {
    pid: view.getUint16(1) & 0x1fff,
    counter: control & 15,
    unitStart: (view.getUint8(1) & 0x40) !== 0,
    discontinuity: (flags & 0x80) !== 0,
    randomAccess: (flags & 0x40) !== 0,
    pcr: hasPcr ? view.getUint32(6) * 2 + (view.getUint8(10) >> 7) : null,
    stuffing: field > 0 ? field - (flags === 0 ? 0 : 2) - (hasPcr ? 6 : 0) : 0,
    payload: control & 0x10 ? bytes.subarray(4 + field) : bytes.subarray(0, 0),
  };
}

/** Continuity counter errors as strings. Packets without payload do not count. */
export function counterBreaks(packets: readonly SeenPacket[]): string[] {
  const last = new Map<number, number>();
  const breaks: string[] = [];
  for (const [index, { pid, counter, payload }] of packets.entries()) {
    const before = last.get(pid);
    const due = before === undefined ? counter : (before + (payload.length > 0 ? 1 : 0)) & 15;
    if (counter !== due) breaks.push(`packet ${index} of PID ${pid}: ${counter} after ${before}`);
    last.set(pid, counter);
  }
  return breaks;
}

/** The PES packets of one PID. Throws if one has no PTS. */
export function seenUnits(packets: readonly SeenPacket[], pid: number): SeenUnit[] {
  const groups: SeenPacket[][] = [];
  for (const packet of packets) {
    if (packet.pid !== pid || packet.payload.length === 0) continue;
    if (packet.unitStart) groups.push([]);
    groups.at(-1)?.push(packet);
  }
  return groups.map((group) => {
    const bytes = Buffer.concat(group.map(({ payload }) => payload));
    if (bytes.readUIntBE(0, 3) !== 1) throw new Error("a PES packet without a start code");
    const marks = [bytes.readUInt8(9) & 0xf1, bytes.readUInt8(11) & 1, bytes.readUInt8(13) & 1];
    if (String(marks) !== "33,1,1") throw new Error(`a PTS with the marker bits ${marks}`);
    const high = (bytes.readUInt8(9) & 0x0e) * 2 ** 29;
    const pts = high + (bytes.readUInt16BE(10) >> 1) * 2 ** 15 + (bytes.readUInt16BE(12) >> 1);
    return {
      streamId: bytes.readUInt8(3),
      length: bytes.readUInt16BE(4),
      pts,
      data: Uint8Array.from(bytes.subarray(9 + bytes.readUInt8(8))),
      packets: group,
    };
  });
}
