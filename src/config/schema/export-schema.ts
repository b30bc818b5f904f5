// The shape of `exports`: the local services that peers may use, and what each peer may do there.
// Must not: relate two objects (federation/rules/object-rules.ts does).

import * as z from 'zod';
import * as address from './values/address-values.ts';
import { identityPath, workloadPath } from './values/identity-values.ts';
import { serviceLimits } from './values/limit-values.ts';
import * as name from './values/name-values.ts';
import {
  IS_TCP,
  list,
  protocol,
  refused,
  refusing,
  timeouts,
  underscoreHeaders,
  upgrades,
} from './values/service-values.ts';
import * as value from './values/values.ts';

/** What means nothing where requests are not read: of an export, and of one of its consumers. */
export const TCP_EXPORT_LACKS: readonly string[] = ['requestBodies', 'upgrades', 'underscoreHeaders', 'timeouts'];
export const TCP_CONSUMER_LACKS: readonly string[] = ['methods', 'paths', 'allow', 'workloads'];

const allowRule = z
  .strictObject({
    methods: list(value.method('An HTTP method.'))
      .optional()
      .describe('The methods that this rule allows. Optional for gRPC, where it is POST. Not for TCP.'),
    paths: list(value.pathRule('A path, or everything below one: /v1/receipts/*.'))
      .optional()
      .describe('The paths that this rule allows; write [/*] for all. Not for TCP.'),
    workloads: list(workloadPath('A workload of the peer, or all below a path: ns/shop/sa/checkout, ns/shop/*.'))
      .optional()
      .describe(
        "The peer's workloads that may call, as its gateway claims: SPIFFE paths in the peer's trust domain. Without it, no claim is needed.",
      ),
  })
  .meta({ required: ['paths'] })
  .describe('A request passes when its method and its path are listed, and its workload, where workloads are.');

const consumer = z
  .strictObject({
    peer: name.label('The name of the peer, a key of peers.'),
    methods: allowRule.shape.methods,
    paths: allowRule.shape.paths,
    allow: list(allowRule)
      .optional()
      .describe('Several rules; a request passes when one of them allows it. Not for TCP.'),
    workloads: allowRule.shape.workloads,
    limits: serviceLimits("Limits of this consumer here; a limit that is not written is the export's."),
    expires: value.date('The last day (UTC) of the grant.').optional(),
    owner: value.remark('The person or team that is responsible for this grant.').optional(),
    reason: value.remark('The reason for this grant.').optional(),
    reviewed: value.date('The day of its last review.').optional(),
  })
  .describe(
    'One peer that may use the export. Either methods, paths and workloads, or allow with several rules; for TCP neither: naming the peer is the policy.',
  );

const backend = address.hostPort('HOST:PORT of the local service.');

const backendMap = z
  .strictObject({
    address: backend.optional(),
    addresses: list(backend).optional().describe('Several addresses of the service, instead of address.'),
    tls: z
      .enum(['mtls', 'simple'])
      .describe(
        'mtls: a workload of our own mesh, which proves its identity and to which the gateway proves its own, with TLS 1.3 (needs mesh.trustBundle). simple: an HTTPS server, with TLS 1.2 or 1.3. Without the key, the connection is not encrypted.',
      )
      .optional(),
    identity: identityPath(
      'With mtls: the SPIFFE path of the service in our trust domain, exact, such as ns/shop/sa/orders.',
    ).optional(),
    serverName: name.hostName('With simple: the DNS name that the certificate of the server must have.').optional(),
    ca: value
      .filePath('With simple: PEM file with the CA certificates that the server may chain to, relative to this file.')
      .optional(),
  })
  .meta({
    anyOf: [{ required: ['address'] }, { required: ['addresses'] }],
    oneOf: [
      { required: ['tls', 'identity'], properties: { tls: { const: 'mtls' } }, not: anyKey('serverName', 'ca') },
      { required: ['tls', 'serverName', 'ca'], properties: { tls: { const: 'simple' } }, not: anyKey('identity') },
      { not: anyKey('tls', 'identity', 'serverName', 'ca') },
    ],
  })
  .describe('The addresses of the service, and how the gateway proves that it is the service.');

/** In JSON Schema: has one of these keys. */
function anyKey(...keys: readonly string[]) {
  return { anyOf: keys.map((key) => ({ required: [key] })) };
}

export const exported = z
  .strictObject({
    name: name.hostName('The name in the contract with the peers.'),
    backend: z
      .union([backend, list(backend), backendMap])
      .describe('The address of the service: HOST:PORT, a list of them, or a map with address and tls.'),
    protocol,
    requestBodies: z
      .enum(['standard', 'any-method'])
      .describe(
        'The requests that may have a body. standard (the default): those of POST, PUT and PATCH; any-method: all, for a service that reads the body of every request. Not for TCP.',
      )
      .optional(),
    upgrades: upgrades('The protocols that a connection to this service may be upgraded to: websocket.'),
    underscoreHeaders,
    timeouts: timeouts('').optional(),
    consumers: list(consumer).describe('The peers that may use it; no other can.'),
    limits: serviceLimits('Limits of each consumer by itself, where it has none of its own.'),
  })
  .meta({
    if: IS_TCP,
    // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema
    then: { properties: { ...refused(TCP_EXPORT_LACKS), consumers: { items: refusing(TCP_CONSUMER_LACKS) } } },
    else: { properties: { consumers: { items: { anyOf: [{ required: ['paths'] }, { required: ['allow'] }] } } } },
  })
  .describe('A local service that named peers may use.');
