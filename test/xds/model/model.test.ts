// Random histories of requests, ACKs, NACKs, updates, reconnects and time. Whatever happened, once everything is answered the
// client has exactly what it subscribed to of the newest state: `converged` says so without any idea of how the server works.
// At each step model-stream.ts checks also that a response holds what is due, all of it and nothing else, when it may be sent.
// Must not: look into a session, except at its status.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Resource } from '../../../src/snapshot/resource.ts';
import { shortName, TYPE } from '../../../src/snapshot/resource-types.ts';
import type { Variant } from '../../../src/xds/wire/messages.ts';
import { askedSize } from '../../support/asked-size.ts';
import { Client } from './model-client.ts';
import { type Action, edited, type History, history, KINDS, NO_CONTENT, snapshotOf } from './model-histories.ts';

const HISTORIES = askedSize({ count: 4000, seed: 12 });
const NOTHING = { subscribe: [], unsubscribe: [] };

/** The client has the newest state, within its subscription, except what it rejected. */
function converged({ variant, stream, has, snapshot }: Client): void {
  for (const kind of KINDS) {
    const ledger = stream.ledgers.get(kind);
    const current = snapshot?.types.get(TYPE[kind]);
    // What was rejected is sent again with a change only (rule 18), and LDS and CDS are rejected as a whole.
    if (ledger === undefined || current === undefined || (ledger.isFull && ledger.isRejected)) continue;
    const counts = ({ name }: Resource): boolean => {
      if (!ledger.covers(name) || ledger.rejected.has(name)) return false;
      // Rule 33: nothing tells a SotW client that one of these is gone.
      return variant === 'delta' || ledger.isFull || current.resources.has(name);
    };
    const versions = (resources: Iterable<Resource>) =>
      Object.fromEntries(
        [...resources]
          .filter(counts)
          .map(({ name, version }): [string, string] => [name, version])
          .sort(),
      );
    assert.deepEqual(versions(has.get(kind)?.values() ?? []), versions(current.resources.values()), kind);
  }
}

function play(variant: Variant, { start, early, actions }: History): void {
  let content = edited(NO_CONTENT, start);
  const client = new Client(variant, early ? undefined : snapshotOf(content, undefined));
  const step = (action: Action): void => {
    if (action.do === 'update') {
      content = edited(content, action.edits);
      client.update(snapshotOf(content, action.anew ? undefined : client.snapshot));
    } else if (action.do === 'answer') client.answer(action.which, action.reject, action.change);
    else if (action.do === 'ask') client.ask(action.kind, action.change, action.nonce, action.error);
    else if (action.do === 'ask again') client.askAgain(action.kind);
    else if (action.do === 'reconnect') client.reconnect(action.order, action.memory, action.knowsState);
    else if (action.do === 'wait') client.wait(action.milliseconds);
    else client.retry();
  };
  for (const action of actions) step(action);
  client.update(client.snapshot ?? snapshotOf(content, undefined));
  drain(client);
  converged(client);
  shown(client);
  client.retry();
  drain(client);
  // A secret stays rejected until the client accepts other bytes of it.
  for (const { kind, rejected } of client.stream.ledgers.values()) assert.ok(kind === 'secret' || rejected.size === 0);
  converged(client);
  shown(client);
}

/** What an operator sees: a rejection while it applies, and never one that is over (rule 18). */
function shown({ session, stream }: Client): void {
  for (const { type, state, nack } of session.status()) {
    const ledger = [...stream.ledgers.values()].find(({ kind }) => shortName(TYPE[kind]) === type);
    assert.ok(ledger !== undefined);
    assert.equal(nack !== undefined, ledger.isRejected, `${type}: what an operator sees of a rejection`);
    const isAsked = ledger.wildcard || ledger.names.size > 0;
    const expected = ledger.isRejected ? ['NACKED'] : isAsked ? ['SYNCED'] : ['SYNCED', 'NOT SENT'];
    assert.ok(expected.includes(state), `${type} is ${state}`);
  }
}

/** Accepts everything, and lets every wait end. */
function drain(client: Client): void {
  let steps = 0;
  while (client.answer(0, false, NOTHING) || client.session.wakeAt() !== undefined) {
    if (![...client.stream.ledgers.values()].some(({ flight }) => flight.length > 0)) client.wait(undefined);
    steps += 1;
    assert.ok(steps < 200, 'the server never comes to rest');
  }
}

for (const variant of ['sotw', 'delta'] as const) {
  test(`After every ${variant} history the client has the newest state that it subscribed to, and each response was due`, () => {
    fc.assert(
      fc.property(history, (played) => play(variant, played)),
      { numRuns: HISTORIES.count, seed: HISTORIES.seed },
    );
  });
}
