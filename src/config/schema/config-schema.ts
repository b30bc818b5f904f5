// The configuration's shape: every key, what it means, and which keys are known but not supported yet.
// Must not: accept a key silently; a known key that is not supported yet is refused with NOT_YET.

import { z } from 'zod';
import type { HostPort } from '../../host-port.ts';
import * as address from './address-values.ts';
import * as name from './name-values.ts';
import { unsupported, unsupportedMap, unsupportedValue } from './unsupported.ts';
import * as value from './values.ts';

const list = <T extends z.ZodType>(item: T) => z.array(item).min(1);

const allowRule = z
  .strictObject({
    methods: list(value.method('An HTTP method.'))
      .optional()
      .describe('The methods that this rule allows. Optional for gRPC, where it is POST.'),
    paths: list(value.pathRule('A path, or everything below one: /v1/receipts/*.'))
      .optional()
      .describe('The paths that this rule allows; write [/*] for all.'),
    workloads: unsupported("The peer's workloads that may call, as claimed by its gateway."),
  })
  .meta({ required: ['paths'] })
  .describe('A request passes when its method and its path are both listed.');

const consumer = z
  .strictObject({
    peer: name.label('The name of the peer, a key of peers.'),
    methods: allowRule.shape.methods,
    paths: allowRule.shape.paths,
    allow: list(allowRule).optional().describe('Several rules; a request passes when one of them allows it.'),
    workloads: allowRule.shape.workloads,
    limits: unsupported('Rate limits of this grant.'),
    expires: value.date('The last day (UTC) of the grant.').optional(),
    owner: value.remark('The person or team that is responsible for this grant.').optional(),
    reason: value.remark('The reason for this grant.').optional(),
    reviewed: value.date('The day of its last review.').optional(),
  })
  .meta({ anyOf: [{ required: ['paths'] }, { required: ['allow'] }] })
  .describe('One peer that may use the export. Either methods and paths, or allow with several rules.');

const protocol = unsupportedValue(
  z.enum(['http', 'grpc', 'tcp']),
  'tcp',
  'write http or grpc, or leave this service out',
)
  .describe('The protocol: http (the default) or grpc.')
  .optional();

const backend = address.hostPort('HOST:PORT of the local service.');

const exported = z
  .strictObject({
    name: name.hostName('The name in the contract with the peers.'),
    backend: z
      .union([backend, list(backend), unsupportedMap('With tls and identity.')])
      .describe('The address of the service: HOST:PORT, or a list of them.'),
    protocol,
    requestBodies: z
      .enum(['standard', 'any-method'])
      .describe(
        'The requests that may have a body. standard (the default): those of POST, PUT and PATCH; any-method: all, for a service that reads the body of every request.',
      )
      .optional(),
    consumers: list(consumer).describe('The peers that may use it; no other can.'),
    limits: unsupported('Limits of this export.'),
  })
  .describe('A local service that named peers may use.');

const imported = z
  .strictObject({
    peer: name.label('The name of the peer, a key of peers.'),
    name: name.hostName("The export's name in the contract."),
    as: name.hostName('The local name that callers use.'),
    port: address.port('The port of the egress gateway on which callers reach it.'),
    protocol,
    clients: unsupported('The workloads of our mesh that may use it.'),
    failover: unsupported('A local fallback.'),
    split: unsupported('A weighted migration.'),
    limits: unsupported('Limits of this import.'),
  })
  .describe("A peer's export, made reachable here under a local name.");

const bundleFile = value.filePath(
  "PEM file with the CA certificates of this peer's trust domain, relative to this file.",
);

const peer = z
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
    gatewayIdentities: list(value.identityPath('A SPIFFE path in the trust domain of the peer, exact.')).describe(
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
    limits: unsupported('Limits of this peer.'),
  })
  .describe('One remote mesh.');

const identity = z
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

const gateways = z
  .strictObject({
    ingress: z
      .strictObject({
        address: address.bindAddress('IP:PORT to listen on.'),
        advertise: list(address.hostPort('HOST:PORT.'))
          .optional()
          .describe('The addresses that peers are told to dial.'),
        identity: value.identityPath('SPIFFE path in our trust domain; default gateway/ingress.').optional(),
        limits: unsupported('Limits of the gateway.'),
      })
      .optional()
      .describe('The gateway that peers connect to, with mutual TLS 1.3 only.'),
    egress: z
      .strictObject({
        address: address.ipAddress('IP address to listen on; each import names its port.'),
        identity: value.identityPath('SPIFFE path in our trust domain; default gateway/egress.').optional(),
        clients: unsupportedValue(
          z.enum(['plaintext', 'mtls']),
          'mtls',
          'write plaintext, and let only trusted workloads reach the address',
        )
          .describe('The proof that callers give. plaintext: none, every client that reaches the port may call.')
          .optional(),
        limits: unsupported('Limits of the gateway.'),
      })
      .optional()
      .describe('The gateway at which our own callers reach the imports.'),
  })
  .describe('The gateways of our mesh; without one there is no traffic in its direction.');

/** The whole file, as it is written. */
export const configSchema = z
  .strictObject({
    apiVersion: z.literal('postern/v1').describe('postern/v1'),
    mesh: z
      .strictObject({
        name: name.label('The name of our mesh.'),
        trustDomain: name.trustDomain('Our SPIFFE trust domain.'),
        trustBundle: unsupported('The CA of our own workloads.'),
      })
      .describe('Our own mesh.'),
    identity,
    gateways: gateways.optional(),
    peers: z
      .record(z.string(), peer)
      .meta({ minProperties: 1, propertyNames: { pattern: name.LABEL_PATTERN } })
      .optional()
      .describe('The remote meshes, by name.'),
    exports: list(exported).optional().describe('The services that peers may use; no other can be reached.'),
    imports: list(imported).optional().describe('The services of peers that we use; no other can be reached.'),
  })
  .describe('Postern: one mesh, its gateways, its peers, what it exports and imports.');

/** The file as written, once it has the right shape. */
export type WrittenConfig = z.infer<typeof configSchema>;

export type LeafKey = 'ecdsa' | 'ed25519' | 'rsa';
export type HttpProtocol = 'http' | 'grpc';
export type RequestBodies = 'standard' | 'any-method';

export interface AllowRuleConfig {
  readonly methods: readonly string[];
  readonly paths: readonly string[];
}

/** The configuration with every shorthand written out and every default filled in. */
export interface Config {
  readonly mesh: { readonly name: string; readonly trustDomain: string };
  readonly identity:
    | {
        readonly issuer: {
          readonly certificate: string;
          readonly privateKey: string;
          readonly lifetimeSeconds: number;
        };
      }
    | { readonly files: { readonly certificate: string; readonly privateKey: string } };
  readonly gateways: {
    readonly ingress?: {
      readonly address: HostPort;
      readonly advertise: readonly HostPort[];
      readonly identity: string;
    };
    readonly egress?: { readonly address: string; readonly identity: string; readonly clients?: 'plaintext' };
  };
  readonly peers: readonly {
    readonly name: string;
    readonly trustDomain: string;
    readonly trustBundle: { readonly file: string };
    readonly gatewayIdentities: readonly string[];
    readonly addresses: readonly HostPort[];
    readonly leafKeys: readonly LeafKey[];
    readonly sni?: string;
  }[];
  readonly exports: readonly {
    readonly name: string;
    readonly backend: readonly HostPort[];
    readonly protocol: HttpProtocol;
    readonly requestBodies: RequestBodies;
    readonly consumers: readonly {
      readonly peer: string;
      readonly allow: readonly AllowRuleConfig[];
      readonly expires?: string;
      readonly owner?: string;
      readonly reason?: string;
      readonly reviewed?: string;
    }[];
  }[];
  readonly imports: readonly {
    readonly peer: string;
    readonly name: string;
    readonly as: string;
    readonly port: number;
    readonly protocol: HttpProtocol;
  }[];
}
