// Lists of names that a SotW client repeats: every acknowledgement carries all of them, and each secret is acknowledged.
// Must not: measure time.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { stringField, stringsField } from '../../../src/snapshot/protobuf.ts';
import { TYPE } from '../../../src/snapshot/resource-types.ts';
import { parseSotwRequest, RequestParser } from '../../../src/xds/wire/discovery-request.ts';
import { eventually } from '../../support/mesh.ts';
import { state } from '../fixtures.ts';
import { NODE } from '../grpc-client.ts';
import { framed, RawClient } from '../raw-client.ts';
import { runningServer } from '../running-server.ts';

const SOTW = '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources';
const MAX_NAMES = 20_000;

const secretNames = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `bundle/peer-${String(index).padStart(5, '0')}@0123456789abcdef`);
const message = (names: readonly string[], nonce = '', typeUrl: string = TYPE.secret): Buffer =>
  Buffer.concat([stringsField(3, names), stringField(4, typeUrl), stringField(5, nonce)]);

describe('a list that comes again in the same bytes', () => {
  const long = secretNames(200);
  const parserAfter = (first: readonly string[], typeUrl: string = TYPE.secret): RequestParser => {
    const parser = new RequestParser('sotw', MAX_NAMES);
    assert.equal(parser.parse(message(first, '', typeUrl)).repeatsNames, false);
    return parser;
  };

  test('A repeated list is recognised, and its bytes need not be read', () => {
    const parser = parserAfter(long);
    const again = message(long, 'n');
    assert.equal(parser.repeatedBytes(again), stringsField(3, long).length);
    const request = parser.parse(again);
    assert.equal(request.repeatsNames, true);
    assert.deepEqual([request.names, request.nonce, request.typeUrl], [long, 'n', TYPE.secret]);
  });

  test('A list is no repetition when it is of another type, or another list of the type came between', () => {
    const parser = parserAfter(long);
    assert.equal(parser.parse(message(long, '', TYPE.route)).repeatsNames, false);
    assert.equal(parser.parse(message(long, '', TYPE.route)).repeatsNames, true);
    assert.equal(parser.parse(message(long.slice(1))).repeatsNames, false);
    assert.equal(parser.parse(message(long)).repeatsNames, false);
    assert.equal(parser.parse(message([])).repeatsNames, false);
    assert.equal(parser.parse(message(long)).repeatsNames, false);
  });

  test('A repeated list is recognised on a stream of one type whose requests do not name it', () => {
    const parser = new RequestParser('sotw', MAX_NAMES, TYPE.secret);
    parser.parse(message(long));
    assert.equal(parser.parse(message(long, 'n', '')).repeatsNames, true);
    parser.parse(message(long.slice(1), 'n', ''));
    assert.equal(parser.parse(message(long)).repeatsNames, false);
  });

  test('A repeated list is kept once for all streams, and counts for each', () => {
    const [one, other] = [parserAfter(long), parserAfter(long)];
    assert.equal(one.parse(message(long)).names, other.parse(message(long)).names);
    assert.equal(one.retainedBytes, stringsField(3, long).length);
    one.parse(message(['short']));
    assert.equal(one.retainedBytes, 0);
  });

  test('The names of a repeated list still count when others follow', () => {
    const parser = new RequestParser('sotw', long.length);
    parser.parse(message(long));
    assert.throws(() => parser.parse(message([...long, 'more'])), { status: 'RESOURCE_EXHAUSTED' });
  });

  test('Recognising a repeated list changes nothing of what any request says', () => {
    const block = fc.constantFrom(long, long.slice(0, 150), long.slice(1), [...long, 'more'], [...long, ...long], []);
    const field = fc.oneof(
      block.map((names) => stringsField(3, names)),
      fc.constantFrom(TYPE.secret, TYPE.route, 'unknown').map((typeUrl) => stringField(4, typeUrl)),
      fc.constantFrom('a', 'b').map((nonce) => stringField(5, nonce)),
      fc.constant(Buffer.from([0x40, 0x01])),
    );
    fc.assert(
      fc.property(fc.array(fc.array(field, { maxLength: 5 }), { maxLength: 8 }), (messages) => {
        const parser = new RequestParser('sotw', MAX_NAMES);
        const last = new Map<string, readonly string[]>();
        for (const bytes of messages.map((fields) => Buffer.concat(fields))) {
          const { names, nonce, typeUrl, repeatsNames } = parser.parse(bytes);
          const plain = parseSotwRequest(bytes, MAX_NAMES);
          assert.deepEqual([names, nonce, typeUrl], [plain.names, plain.nonce, plain.typeUrl]);
          if (repeatsNames) assert.deepEqual(names, last.get(typeUrl));
          last.set(typeUrl, names);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('what repeated lists cost', () => {
  const names = secretNames(3000);
  const snapshot = state({ secret: Object.fromEntries(names.map((name) => [name, '1'])) });
  const first = (list: readonly string[]): Buffer => framed(Buffer.concat([bytesOfNode(), message(list, '')]));

  test('A SotW client that acknowledges 3,000 secrets with the whole list each time is not refused', async (t) => {
    const { port, server, events } = await runningServer(t, snapshot);
    const raw = new RawClient(port, { ':path': SOTW });
    t.after(() => raw.close());
    const answer = message(names, '0'.repeat(NONCE_LENGTH));
    let buffered = Buffer.alloc(0);
    raw.stream.on('data', (chunk: Buffer) => {
      buffered = Buffer.concat([buffered, chunk]);
      for (let end = frameEnd(buffered); end <= buffered.length; end = frameEnd(buffered)) {
        // The nonce is the last field of a response, and of the answer.
        answer.write(buffered.toString('latin1', end - NONCE_LENGTH, end), answer.length - NONCE_LENGTH, 'latin1');
        raw.write(framed(answer));
        buffered = buffered.subarray(end);
      }
    });
    raw.write(first(names));
    const ended = raw.status.then((status) => assert.fail(`the stream ended with ${status}`));
    const synced = eventually(
      'all secrets are acknowledged',
      () => server.status()[0]?.types[0]?.state === 'SYNCED',
      60_000,
    );
    await Promise.race([synced, ended]);
    assert.equal(events.filter((event) => event === 'ack SDS').length, names.length);
  });

  test('A client that repeats a list without being asked is charged for all of it', async (t) => {
    const rate = { burst: 20_000, perSecond: 0 };
    const { port } = await runningServer(t, undefined, {
      limits: { ratesPerStream: { requests: { burst: 1000, perSecond: 0 }, names: rate } },
    });
    const raw = new RawClient(port, { ':path': SOTW }).read();
    t.after(() => raw.close());
    raw.write(first(names));
    for (let count = 0; count < 5; count += 1) raw.write(framed(message(names, 'stale')));
    assert.equal(await raw.status, 8 /* RESOURCE_EXHAUSTED */);
  });
});

/** Nonces of the server: twelve characters. */
const NONCE_LENGTH = 12;

function frameEnd(bytes: Buffer): number {
  return bytes.length < 5 ? Number.POSITIVE_INFINITY : 5 + bytes.readUInt32BE(1);
}

/** DiscoveryRequest.node. */
function bytesOfNode(): Buffer {
  const node = Buffer.concat([stringField(1, NODE.id), stringField(2, NODE.cluster)]);
  return Buffer.concat([Buffer.from([0x12, node.length]), node]);
}
