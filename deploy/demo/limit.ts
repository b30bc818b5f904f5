// How long anything may take before the demo and the tests call it hung: minutes, because a busy machine is no fault.
// Must not: be used to judge how fast something is.

export const LIMIT_MS = 180_000;
