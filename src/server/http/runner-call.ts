/** Reads how an orchestrator's call names the registration that it belongs to, beside the key in its path. */

export interface CallOrigin {
  /** `Livepeer-Runner-Route`; null without the header. */
  readonly route: string | null;
  /** Origin of `Livepeer-Session-Control`; null without one. */
  readonly control: string | null;
}

export function originOf({ headers }: Request): CallOrigin {
  const control = headers.get("livepeer-session-control");
  return {
    route: headers.get("livepeer-runner-route"),
    control: control === null ? null : (URL.parse(control)?.origin ?? null),
  };
}
