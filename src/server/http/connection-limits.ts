/** Limits of connections that several parts of the HTTP side must agree on. */

/**
 * How long a connection may be silent. Orchestrators keep connections for 60 s, and drop a capability whose worker closes
 * one first (protocol.md 1.7).
 */
export const IDLE_SECONDS = 120;
