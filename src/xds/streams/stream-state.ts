// The states of a discovery stream, and which event leads from one to the next.
// Must not: release the slot before `closed`. What a client was sent stays in memory until then, whatever ended the stream.
//
//            open             halfClose
//   waiting ─────▶ open ──────────────────▶ halfClosed ──┐
//      │  └─────────┼──────── halfClose ────────▲        │ close
//      │ abort      │ abort                              ├──────▶ closed
//      └────────────┴───────▶ aborted ───────────────────┘
//
// waiting     the certificate was checked and a slot of the gateway is reserved; no valid first request has come yet
// open        the client has subscribed: it counts as connected
// halfClosed  the client has ended its side; it is still sent the bytes in flight, then OK
// aborted     the server ends the stream with an error, or resets it because the client reads nothing
// closed      HTTP/2 has closed the stream, and its slot is released; every state leads here

export type StreamState = 'waiting' | 'open' | 'halfClosed' | 'aborted' | 'closed';
export type StreamEvent = 'open' | 'halfClose' | 'abort' | 'close';

const NEXT: Readonly<Record<StreamState, Partial<Record<StreamEvent, StreamState>>>> = {
  waiting: { open: 'open', halfClose: 'halfClosed', abort: 'aborted', close: 'closed' },
  open: { halfClose: 'halfClosed', abort: 'aborted', close: 'closed' },
  halfClosed: { close: 'closed' },
  aborted: { close: 'closed' },
  closed: {},
};

/** Undefined: the event changes nothing in this state. */
export function nextState(state: StreamState, event: StreamEvent): StreamState | undefined {
  return NEXT[state][event];
}

/** Whether requests are read and responses are pushed. */
export function isActive(state: StreamState): boolean {
  return state === 'waiting' || state === 'open';
}
