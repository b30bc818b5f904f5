// The shape of `gateways` and `identity`: our own gateways, and how they prove who they are.
// Must not: relate two objects (federation/rules/object-rules.ts does).

import * as z from 'zod';
import * as address from './values/address-values.ts';
import { identityPath } from './values/identity-values.ts';
import { gatewayLimits } from './values/limit-values.ts';
import { list } from './values/service-values.ts';
import { unsupported } from './values/unsupported.ts';
import * as value from './values/values.ts';

export const identity = z
  .strictObject({
    issuer: z
      .strictObject({
        certificate: value.filePath(
          'PEM file, relative to this one: the CA that signs the certificates of our gateways, then the CAs above it.',
        ),
        privateKey: value.filePath('PEM file with its key, relative to this one; it may be the same file.', {
          secret: true,
        }),
        lifetime: value
          .duration('The lifetime of the certificates that it signs; they are renewed at half of it. Default 24h.', {
            least: '10m',
            most: '90d',
          })
          .optional(),
      })
      .optional()
      .describe('Certificates that Postern issues: one key for each gateway and peer, streamed as secrets.'),
    files: z
      .strictObject({
        certificate: value.gatewayFilePath('PEM file with the certificate chain.'),
        privateKey: value.gatewayFilePath(
          'PEM file with the key: ECDSA or Ed25519, or RSA if the peers list rsa for us.',
          {
            secret: true,
          },
        ),
      })
      .optional()
      .describe("Certificates on the gateway's own disk: the key never enters the control plane."),
    sds: unsupported('A SPIRE agent beside the gateway.'),
  })
  .meta({ oneOf: [{ required: ['issuer'] }, { required: ['files'] }] })
  .describe('The certificates of our gateways towards peers: exactly one of issuer and files.');

export const gateways = z
  .strictObject({
    ingress: z
      .strictObject({
        address: address.bindAddress('IP:PORT to listen on.'),
        advertise: list(address.hostPort('HOST:PORT.'))
          .optional()
          .describe('The addresses that peers are told to dial.'),
        identity: identityPath('SPIFFE path in our trust domain; default gateway/ingress.').optional(),
        limits: gatewayLimits,
      })
      .optional()
      .describe('The gateway that peers connect to, with mutual TLS 1.3 only.'),
    egress: z
      .strictObject({
        address: address.ipAddress('IP address to listen on; each import names its port.'),
        identity: identityPath('SPIFFE path in our trust domain; default gateway/egress.').optional(),
        clients: z
          .enum(['plaintext', 'mtls'])
          .describe(
            'The proof that callers give. mtls: a certificate of our trust domain, by mesh.trustBundle. plaintext (the default): none, every client that reaches the port may call; for loopback and private addresses only.',
          )
          .optional(),
        limits: gatewayLimits,
      })
      .optional()
      .describe('The gateway at which our own callers reach the imports.'),
  })
  .describe('The gateways of our mesh; without one there is no traffic in its direction.');
