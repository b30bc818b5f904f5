// The states of a discovery stream: every event in every state, and what the diagram promises of them.
// The same transitions on the wire are in endings.test.ts.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isActive, nextState, type StreamEvent, type StreamState } from '../../../src/xds/streams/stream-state.ts';

const STATES: readonly StreamState[] = ['waiting', 'open', 'halfClosed', 'aborted', 'closed'];
const EVENTS: readonly StreamEvent[] = ['open', 'halfClose', 'abort', 'close'];

describe('the states of a stream', () => {
  const transitions: Readonly<Record<StreamState, readonly (StreamState | undefined)[]>> = {
    //         open       halfClose     abort       close
    waiting: ['open', 'halfClosed', 'aborted', 'closed'],
    open: [undefined, 'halfClosed', 'aborted', 'closed'],
    halfClosed: [undefined, undefined, undefined, 'closed'],
    aborted: [undefined, undefined, undefined, 'closed'],
    closed: [undefined, undefined, undefined, undefined],
  };
  for (const state of STATES)
    test(`Every event in the state ${state} leads where the diagram says, or changes nothing`, () => {
      assert.deepEqual(
        EVENTS.map((event) => nextState(state, event)),
        transitions[state],
      );
    });

  test('A stream that is no longer active never becomes active again', () => {
    for (const state of STATES)
      for (const event of EVENTS) {
        const next = nextState(state, event);
        if (next !== undefined && !isActive(state)) assert.equal(isActive(next), false, `${state} ${event}`);
      }
  });

  test('Every state but closed can be closed, and only a waiting stream can be opened', () => {
    assert.deepEqual(
      STATES.filter((state) => nextState(state, 'close') === 'closed'),
      STATES.filter((state) => state !== 'closed'),
    );
    assert.deepEqual(
      STATES.filter((state) => nextState(state, 'open') !== undefined),
      ['waiting'],
    );
  });
});
