import { expect, test } from "bun:test";
import { Turns } from "../../../src/streams/turns.ts";

test("work begins when all before it has settled, and settles as it does", async () => {
  const turns = new Turns();
  const events: string[] = [];
  const doors = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const work = (name: string, door: Promise<void>) => async () => {
    events.push(`begin ${name}`);
    await door;
    events.push(`end ${name}`);
    return name;
  };
  const one = turns.run(work("one", doors[0]?.promise ?? Promise.resolve()));
  const two = turns.run(work("two", doors[1]?.promise ?? Promise.resolve()));
  const three = turns.run(work("three", Promise.resolve()));
  doors[1]?.reject(new Error("broken"));
  doors[0]?.resolve();
  expect(await one).toBe("one");
  await expect(two).rejects.toThrow("broken");
  expect(await three).toBe("three");
  await turns.settled();
  expect(events).toEqual(["begin one", "end one", "begin two", "begin three", "end three"]);
});
