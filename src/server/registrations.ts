/** Lists the registrations of this server and their state, for operators and the command `doctor`. */
import type { RegistrationState } from "./protocols/byoc/registration/registration.ts";
import type { RunnerState } from "./protocols/live-runner/registration/dynamic-registration.ts";
import type { RegistrationView } from "./registration-view.ts";

export interface RegistrationStates {
  readonly registrations: () => readonly RegistrationState[];
  readonly runners: () => readonly RunnerState[];
  /** The app ids of static runners, which nobody registers. */
  readonly listed: () => readonly string[];
}

export const registrationViews = ({
  registrations,
  runners,
  listed,
}: RegistrationStates): RegistrationView[] => [
  ...registrations().map(({ capability, orchestrator, accepted, since, failure }) => ({
    kind: "byoc" as const,
    name: capability,
    orchestrator,
    registered: accepted,
    since: since?.toISOString() ?? null,
    failure,
  })),
  ...runners().map(({ app, orchestrator, registered, since, failure }) => ({
    kind: "runner" as const,
    name: app,
    orchestrator,
    registered,
    since: since?.toISOString() ?? null,
    failure: failure?.message ?? null,
  })),
  ...listed().map((app) => ({
    kind: "static" as const,
    name: app,
    orchestrator: "static",
    registered: false,
    since: null,
    failure: null,
  })),
];
