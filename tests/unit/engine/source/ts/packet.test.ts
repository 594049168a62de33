import { expect, test } from "bun:test";
import { findSync, readTsPacket } from "../../../../../src/engine/source/ts/packet.ts";
import { concat, tsPacket } from "../../../../support/ts-builder.ts";

const body = new Uint8Array(184).fill(0x11);
const read = (packet: Uint8Array) => readTsPacket(packet, 0);

test("a full packet has its payload and no stuffing", () => {
  const packet = read(tsPacket(body, { pid: 0x1abc, unitStart: true }));
  expect(packet).toMatchObject({ pid: 0x1abc, unitStart: true, broken: false, stuffed: false });
  expect(packet?.payload).toEqual(body);
});

test("padding counts as stuffing, one byte as well as many", () => {
  for (const room of [1, 2, 3, 100, 183]) {
    const packet = read(tsPacket(body.subarray(room)));
    expect(packet?.stuffed).toBe(true);
    expect(packet?.payload.length).toBe(184 - room);
  }
});

test("the contents of an adaptation field are not stuffing", () => {
  const fields = [
    { randomAccess: true },
    { pcr: true },
    { privateData: new Uint8Array(9) },
    { pcr: true, randomAccess: true, privateData: new Uint8Array(3) },
  ];
  for (const options of fields) {
    const size =
      2 + (options.pcr ? 6 : 0) + (options.privateData ? 1 + options.privateData.length : 0);
    const exact = read(tsPacket(body.subarray(size), options));
    expect(exact?.stuffed).toBe(false);
    expect(exact?.randomAccess).toBe(options.randomAccess ?? false);
    expect(read(tsPacket(body.subarray(size + 1), options))?.stuffed).toBe(true);
  }
});

test("the error bit and scrambling mark a packet as unusable", () => {
  expect(read(tsPacket(body, { errorBit: true }))?.broken).toBe(true);
  expect(read(tsPacket(body, { scrambled: true }))?.broken).toBe(true);
});

test("a packet without a sync byte, or with an adaptation field that exceeds it, is rejected", () => {
  const packet = tsPacket(body.subarray(50));
  const long = packet.slice();
  long[4] = 184;
  expect(readTsPacket(long, 0)).toBeNull();
  packet[0] = 0x48;
  expect(readTsPacket(packet, 0)).toBeNull();
});

test("synchronization requires a second sync byte one packet later", () => {
  const lone = Uint8Array.from([0x47, 1, 2, 3]);
  const stream = concat([lone, tsPacket(body), tsPacket(body)]);
  expect(findSync(stream, 0)).toBe(4);
  expect(findSync(stream, 5)).toBe(-1);
  expect(findSync(new Uint8Array(500), 0)).toBe(-1);
});
