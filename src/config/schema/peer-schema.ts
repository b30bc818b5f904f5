// The shape of `peers`: the remote meshes, what we trust of each, and where their gateways are.
// Must not: relate two objects (federation/rules/object-rules.ts does).

import * as z from 'zod';
import * as address from './values/address-values.ts';
import { identityPath } from './values/identity-values.ts';
import { peerLimits } from './values/limit-values.ts';
import * as name from './values/name-values.ts';
import { list } from './values/service-values.ts';
import { unsupported } from './values/unsupported.ts';
import * as value from './values/values.ts';

const bundleFile = value.filePath(
  "PEM file with the CA certificates of this peer's trust domain, relative to this file.",
);

export const peer = z
  .strictObject({
    trustDomain: name.trustDomain('The trust domain of the peer; no two peers share one.'),
    trustBundle: z
      .union([
        bundleFile,
        z.strictObject({
          file: bundleFile,
          endpointURL: unsupported('SPIFFE bundle endpoint.'),
          endpointProfile: unsupported('Its profile.'),
          endpointSPIFFEID: unsupported('Its identity.'),
          crl: unsupported('Revocation list.'),
        }),
      ])
      .describe('The CA certificates of this peer, trusted for its trust domain alone: a PEM file.'),
    gatewayIdentities: list(identityPath('A SPIFFE path in the trust domain of the peer, exact.')).describe(
      'The gateways of the peer: those that may dial us, and those that we accept when we dial it.',
    ),
    addresses: list(address.hostPort('HOST:PORT.'))
      .optional()
      .describe('The addresses of its ingress gateways; required when we import from it.'),
    leafKeys: list(z.enum(['ecdsa', 'ed25519', 'rsa']))
      .optional()
      .describe(
        'The kinds of keys that the certificates of its gateways may have; default [ecdsa, ed25519]. The size of an RSA key is not checked.',
      ),
    sni: name
      .label("An unguessable SNI label, the same in both meshes' files, instead of the trust domain of the caller.")
      .optional(),
    traceContext: z
      .enum(['drop', 'forward'])
      .describe(
        "What becomes of trace context (traceparent, tracestate, B3) and request IDs in requests to and from this peer: drop (the default), or forward, which lets each mesh see the other's IDs.",
      )
      .optional(),
    limits: peerLimits,
  })
  .describe('One remote mesh.');
