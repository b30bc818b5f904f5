// The time after which the demo and the tests call something hung: minutes, because a busy machine is no fault.
// Must not: be used to judge how fast something is.

export const LIMIT_MS = 180_000;
