/** Tests our publisher and reader against pytrickle's, over our server. */
import { expect, setDefaultTimeout, test } from "bun:test";
import {
  bytes,
  publisherTo,
  readSegments,
  type SeenSegment,
} from "../../support/trickle-channel.ts";
import { hostTrickle } from "../../support/trickle-host.ts";
import { waitFor } from "../../support/wait-for.ts";
import { installPythonPeer } from "./python-peer.ts";

setDefaultTimeout(20_000);

const peer = installPythonPeer();
const interop = (name: string, body: () => Promise<void>): void =>
  peer.kind === "installed"
    ? test(name, body)
    : test.skip(`${name} (no pytrickle: ${peer.why})`, body);

const all = { start: 0, maxLag: Number.POSITIVE_INFINITY };
const texts = ["zero", "one", "two", "three", "four", "five", "six"];
const whole = texts.map((text, seq) => ({ seq, text: text.repeat(2), complete: true }));
const lines = texts.map((text, seq) => `${seq} ${text.repeat(2)}`);

interop("pytrickle publishes to our strict server, and our reader gets every segment", async () => {
  await using host = hostTrickle({ autoCreate: false });
  const url = host.url("theirs");
  await fetch(url, { method: "POST", headers: { "Expect-Content": "video/mp2t" } });
  const seen: SeenSegment[] = [];
  const reading = readSegments(url, undefined, all, seen);
  await using publishing = start("publish", url);
  for (const [index, text] of texts.entries()) {
    publishing.say(`${text} ${text}`);
    await waitFor(`segment ${index} is read`, () => seen.length === index + 1);
  }
  publishing.finish();
  expect(await publishing.output()).toEqual(texts.map((text) => `sent ${text} ${text}`));
  // It leaves without closing the channel, as when its process is killed.
  expect((await fetch(`${url}/next`)).headers.get("Lp-Trickle-Latest")).not.toBe("0");
  await fetch(url, { method: "DELETE" });
  expect((await reading).slice(0, texts.length)).toEqual(whole);
});

interop("we publish, and pytrickle's reader gets every segment in order and the end", async () => {
  await using host = hostTrickle();
  const url = host.url("ours");
  const publisher = await publisherTo(url, { create: true });
  await using reading = start("subscribe", url, "0");
  const writer = publisher.writable.getWriter();
  for (const [index, text] of texts.entries()) {
    await writer.write({ data: bytes(text), first: true });
    await writer.write({ data: bytes(text), first: false, last: true });
    expect(await reading.line()).toBe(lines[index] ?? "");
  }
  const rest = reading.output();
  await publisher.deleteChannel();
  expect((await rest).at(-1)).toBe("end of stream");
  await writer.close().catch(() => {}); // its channel is gone
});

interop(
  "pytrickle's reader joins at the newest segment, and learns that a channel does not exist",
  async () => {
    await using host = hostTrickle({ autoCreate: false });
    const url = host.url("joined");
    await fetch(url, { method: "POST" });
    for (const [seq, text] of texts.entries())
      await fetch(`${url}/${seq}`, { method: "POST", body: text });
    await using reading = start("subscribe", url, "-2");
    expect(await reading.line()).toBe("6 six");
    await using lost = start("subscribe", host.url("absent"), "-2");
    expect(await lost.line()).toStartWith("error stream_not_found");
  },
);

interop("our reader continues after pytrickle's publisher restarts at 0", async () => {
  await using host = hostTrickle({ autoCreate: false });
  const url = host.url("restarted");
  await fetch(url, { method: "POST" });
  const seen: SeenSegment[] = [];
  const reading = readSegments(url, undefined, all, seen);
  await using first = start("publish", url);
  for (const [index, text] of texts.entries()) {
    first.say(text);
    await waitFor(`segment ${index} is read`, () => seen.length === index + 1);
  }
  first.finish();
  await first.output();
  await using second = start("publish", url);
  await waitFor("the second life is read", async () => {
    second.say("again");
    await second.line();
    return seen.at(-1)?.text === "again";
  });
  await fetch(url, { method: "DELETE" });
  await reading;
});

/** Starts the peer as a child, which ends with the scope. */
function start(...args: string[]) {
  if (peer.kind !== "installed") throw new Error(peer.why);
  const child = Bun.spawn([...peer.command, ...args], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
    env: { PATH: process.env["PATH"] ?? "", ...peer.env },
  });
  const output = child.stdout.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
  let pending = "";
  return {
    say(line: string): void {
      child.stdin.write(`${line}\n`);
      void child.stdin.flush();
    },
    finish: () => void child.stdin.end(),
    async line(): Promise<string> {
      while (!pending.includes("\n")) {
        const { value, done } = await output.next();
        if (done) throw new Error(`${args[0]} ended after ${JSON.stringify(pending)}`);
        pending += value;
      }
      const end = pending.indexOf("\n");
      const line = pending.slice(0, end);
      pending = pending.slice(end + 1);
      return line;
    },
    async output(): Promise<string[]> {
      for (let part = await output.next(); !part.done; part = await output.next())
        pending += part.value;
      return pending.trim().split("\n");
    },
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
    },
  };
}
