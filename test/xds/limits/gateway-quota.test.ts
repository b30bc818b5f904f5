// What all streams of one gateway share, from its first stream on.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayQuota } from '../../../src/xds/limits/gateway-quota.ts';
import { XdsError } from '../../../src/xds/stream-status.ts';

test('A gateway that closes its last stream and opens another has no new allowance of requests, but its place and bytes', () => {
  const rate = { burst: 1, perSecond: 0 };
  const quota = new GatewayQuota({
    ...{ streamsPerGateway: 1, bytesPerGateway: 10 },
    ratesPerGateway: { requests: rate, names: rate },
  });
  const before = quota.reserve('egress', 0);
  before.retain(10);
  before.limiter.chargeRequest(0);
  before.release();
  const after = quota.reserve('egress', 0);
  after.retain(10);
  assert.throws(() => after.limiter.chargeRequest(0), XdsError);
});
