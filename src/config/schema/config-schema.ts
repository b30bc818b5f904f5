// The configuration's shape: every key, what it means, and which are known but not carried out yet.
// In: nothing. Out: the zod schema of the YAML, and the Config type that the rest of Postern reads.
// Must not: accept a key silently; what is known and not carried out is refused with NOT_YET.

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
      .describe('Methods that this rule allows; gRPC: POST, and may be left out.'),
    paths: list(value.pathRule('A path, or everything below one: /v1/receipts/*.'))
      .optional()
      .describe('Paths that this rule allows; everything is [/*].'),
    workloads: unsupported("Which of the peer's workloads, as claimed by its gateway."),
  })
  .meta({ required: ['paths'] })
  .describe('A request passes when its method and its path are both listed.');

const consumer = z
  .strictObject({
    peer: name.label('A key of peers.'),
    methods: allowRule.shape.methods,
    paths: allowRule.shape.paths,
    allow: list(allowRule).optional().describe('Several rules; a request passes when one of them allows it.'),
    workloads: allowRule.shape.workloads,
    limits: unsupported('Rate limits of this grant.'),
    expires: value.date('The last day (UTC) on which the grant is in force.').optional(),
    owner: value.remark('Who answers for this grant.').optional(),
    reason: value.remark('Why it was granted.').optional(),
    reviewed: value.date('When it was last reviewed.').optional(),
  })
  .meta({ anyOf: [{ required: ['paths'] }, { required: ['allow'] }] })
  .describe('One peer that may use the export. Either methods and paths, or allow with several rules.');

const protocol = unsupportedValue(
  z.enum(['http', 'grpc', 'tcp']),
  'tcp',
  'write http or grpc, or leave this service out',
)
  .describe('http (the default) or grpc.')
  .optional();

const backend = address.hostPort('HOST:PORT of the local service.');

const exported = z
  .strictObject({
    name: name.hostName('The name in the contract with the peers.'),
    backend: z
      .union([backend, list(backend), unsupportedMap('With tls and identity.')])
      .describe('Where the service runs: HOST:PORT, or a list of them.'),
    protocol,
    requestBodies: z
      .enum(['standard', 'any-method'])
      .describe(
        'Which requests may have a body: standard (the default), those of POST, PUT and PATCH; any-method, every request, if the service reads the body of each.',
      )
      .optional(),
    consumers: list(consumer).describe('Who may use it; nobody else can.'),
    limits: unsupported('Limits of this export.'),
  })
  .describe('A local service that named peers may use.');

const imported = z
  .strictObject({
    peer: name.label('A key of peers.'),
    name: name.hostName("The export's name in the contract."),
    as: name.hostName('The local name that callers use.'),
    port: address.port('The port of the egress gateway on which callers reach it.'),
    protocol,
    clients: unsupported('Which of our own workloads may use it.'),
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
      .describe('Whom we take for this peer: a PEM file, for its trust domain alone.'),
    gatewayIdentities: list(value.identityPath('A SPIFFE path in the trust domain of the peer, exact.')).describe(
      'Who of theirs may dial us, and whom we accept when we dial them.',
    ),
    addresses: list(address.hostPort('HOST:PORT.'))
      .optional()
      .describe('Where their ingress gateways listen; required when we import from them.'),
    leafKeys: list(z.enum(['ecdsa', 'ed25519', 'rsa']))
      .optional()
      .describe(
        'Kinds of keys that their gateway certificates may have; [ecdsa, ed25519] unless said otherwise. The size of an RSA key is not checked.',
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
          'PEM of the CA that signs our gateways, then of those above it, relative to this file.',
        ),
        privateKey: value.filePath('PEM of its key, relative to this file; it may stand in the same file.', {
          secret: true,
        }),
        lifetime: value
          .duration('Lifetime of what it signs; renewed at half of it. 24h unless said otherwise.', {
            least: '10m',
            most: '90d',
          })
          .optional(),
      })
      .optional()
      .describe('Issued here: one key for each peer, streamed as secrets.'),
    files: z
      .strictObject({
        certificate: value.gatewayFilePath('PEM chain.'),
        privateKey: value.gatewayFilePath('PEM key, ECDSA or Ed25519 unless the peers opted in to rsa.', {
          secret: true,
        }),
      })
      .optional()
      .describe("Files on the gateway's own disk: the key never enters the control plane."),
    sds: unsupported('A SPIRE agent beside the gateway.'),
  })
  .meta({ oneOf: [{ required: ['issuer'] }, { required: ['files'] }] })
  .describe('How our gateways prove who they are: exactly one of issuer and files.');

const gateways = z
  .strictObject({
    ingress: z
      .strictObject({
        address: address.bindAddress('IP:PORT to listen on.'),
        advertise: list(address.hostPort('HOST:PORT.')).optional().describe('What peers are told to dial.'),
        identity: value
          .identityPath('SPIFFE path in our trust domain; gateway/ingress unless said otherwise.')
          .optional(),
        limits: unsupported('Limits of the gateway.'),
      })
      .optional()
      .describe('Where peers come in: everything on it is mutual TLS 1.3.'),
    egress: z
      .strictObject({
        address: address.ipAddress('IP address to listen on; each import names its port.'),
        identity: value
          .identityPath('SPIFFE path in our trust domain; gateway/egress unless said otherwise.')
          .optional(),
        clients: unsupportedValue(
          z.enum(['plaintext', 'mtls']),
          'mtls',
          'write plaintext, and let only trusted workloads reach the address',
        )
          .describe('plaintext: whoever reaches the port may call.')
          .optional(),
        limits: unsupported('Limits of the gateway.'),
      })
      .optional()
      .describe('Where our own callers reach what we import.'),
  })
  .describe('The gateways of our mesh; without one, nobody passes in its direction.');

/** The whole file, as it is written. */
export const configSchema = z
  .strictObject({
    apiVersion: z.literal('postern/v1').describe('postern/v1'),
    mesh: z
      .strictObject({
        name: name.label('The name of our mesh.'),
        trustDomain: name.trustDomain('Our SPIFFE trust domain.'),
        trustBundle: unsupported('Whom our own workloads chain to.'),
      })
      .describe('Our own mesh.'),
    identity,
    gateways: gateways.optional(),
    peers: z
      .record(z.string(), peer)
      .meta({ minProperties: 1, propertyNames: { pattern: name.LABEL_PATTERN } })
      .optional()
      .describe('The remote meshes, by name.'),
    exports: list(exported).optional().describe('What peers may use; nothing else can be reached.'),
    imports: list(imported).optional().describe('What we use of peers; nothing else can be reached.'),
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
