/** Defines a target whose cases are requests to the shared worker. */
import type fc from "fast-check";
import { defineTarget, type FuzzTarget, type TargetOptions } from "../fuzz.ts";
import { type FuzzedWorker, holdWorker } from "./worker.ts";

export interface HttpSubject<Input> {
  readonly inputs: fc.Arbitrary<Input>;
  check(input: Input): Promise<void>;
}

/** The inputs of a target, and what is tried with each. */
export const tried = <Input>(
  inputs: fc.Arbitrary<Input>,
  check: HttpSubject<Input>["check"],
): HttpSubject<Input> => ({ inputs, check });

export interface HttpTargetOptions<Input> extends Omit<TargetOptions<Input>, "open"> {
  open(worker: FuzzedWorker): HttpSubject<Input> | Promise<HttpSubject<Input>>;
}

/** Enough to have several requests at the server at any time. */
const LANES = 8;

/** After every case the live streams and the server's health are looked at, after the last one all that the server holds. */
export const httpTarget = <Input>({
  open,
  lanes = LANES,
  ...rest
}: HttpTargetOptions<Input>): FuzzTarget =>
  defineTarget({
    ...rest,
    lanes,
    open: async () => {
      const hold = await holdWorker();
      const { worker } = hold;
      const { inputs, check } = await open(worker);
      return {
        inputs,
        pid: worker.server.pid,
        check: async (input) => {
          await check(input);
          worker.assertUnharmed();
        },
        settle: () => worker.settle(),
        close: () => hold[Symbol.asyncDispose](),
      };
    },
  });
