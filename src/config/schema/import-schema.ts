// The shape of `imports`: the exports of peers that our own callers reach under local names.
// Must not: relate two objects (federation/rules/object-rules.ts does).

import * as z from 'zod';
import * as address from './values/address-values.ts';
import { workloadPath } from './values/identity-values.ts';
import { importLimits } from './values/limit-values.ts';
import * as name from './values/name-values.ts';
import { IS_TCP, list, protocol, refusing, timeouts, underscoreHeaders, upgrades } from './values/service-values.ts';
import { unsupported } from './values/unsupported.ts';

/** What means nothing where requests are not read. */
export const TCP_IMPORT_LACKS: readonly string[] = ['upgrades', 'underscoreHeaders', 'timeouts'];

export const imported = z
  .strictObject({
    peer: name.label('The name of the peer, a key of peers.'),
    name: name.hostName("The export's name in the contract."),
    as: name.hostName('The local name that callers use.'),
    port: address.port('The port of the egress gateway on which callers reach it; of a TCP import alone.'),
    protocol,
    upgrades: upgrades('As for the export, which must say it too: websocket.'),
    underscoreHeaders,
    timeouts: timeouts(
      " An import waits a sixth longer than it says (at most ten seconds), so that the peer's gateway, which knows the reason, answers first.",
    ).optional(),
    clients: list(workloadPath('The SPIFFE path of a workload in our trust domain, or all below one: ns/shop/*.'))
      .optional()
      .describe('The workloads of our mesh that may use it; required with clients: mtls at the egress gateway.'),
    failover: unsupported('A local fallback.'),
    split: unsupported('A weighted migration.'),
    limits: importLimits,
  })
  // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema
  .meta({ if: IS_TCP, then: refusing(TCP_IMPORT_LACKS) })
  .describe("A peer's export, made reachable here under a local name.");
