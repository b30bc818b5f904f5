// Secrets: our certificates (one key for each peer and gateway, or files on the gateway's disk), the peers' bundles and our own mesh's.
// Must not: put anything but CA certificates into a bundle (SAN matchers of a secret widen those of the chain, by OR), or a
// private key into anything that is not named `cert/…`.

import { dirname } from 'node:path';
import type { Export, Federation, GatewayRole, IdentitySource, MeshBundle, Peer } from '../../../federation/model.ts';
import type { RetiredName } from '../../../federation/transition/retired-names.ts';
import type { GatewayIdentity } from '../../../trust/issuing/identities.ts';
import { type Draft, draft, type Message } from '../../draft.ts';
import * as names from '../../resource-names.ts';

/** The certificates of a gateway: one secret for each peer, or one for all peers with identity.files. */
export function certificateSecrets(
  role: GatewayRole,
  source: IdentitySource,
  peers: readonly Peer[],
  identity: (peer: string) => GatewayIdentity | undefined,
): readonly Draft[] {
  if (peers.length === 0) return [];
  if (source.kind === 'files') return [secret(names.certificateSecret(role), [source], () => fromFiles(source))];
  return peers.map((peer) => {
    const own = identity(peer.name);
    if (own === undefined) throw new Error(`no ${role} identity was issued for peer ${peer.name}`);
    return secret(names.certificateSecret(role, peer), [own], () => issued(own));
  });
}

/** The certificate that our own callers are shown. */
export function callersCertificate(source: IdentitySource, identity: GatewayIdentity | undefined): Draft {
  const name = names.callersCertificateSecret(source.kind === 'issuer');
  if (source.kind === 'files') return secret(name, [source], () => fromFiles(source));
  if (identity === undefined) throw new Error('no identity was issued for callers');
  return secret(name, [identity], () => issued(identity));
}

export function bundleSecrets(peers: readonly Peer[]): readonly Draft[] {
  return peers.map((peer) => secret(names.bundleSecret(peer), [peer.bundle], () => trusting(peer.bundle.pem)));
}

/** What an ingress gateway needs to reach the backends of these exports by TLS: for our own mesh, and for each file of CAs. */
export function backendSecrets(
  { mesh, backendCas, identitySource }: Pick<Federation, 'mesh' | 'backendCas' | 'identitySource'>,
  exports: readonly Pick<Export, 'tls'>[],
  identity: () => GatewayIdentity | undefined,
): readonly Draft[] {
  const trusted = new Set(exports.map(({ tls }) => tls?.trust));
  const own = mesh.bundle !== undefined && trusted.has(mesh.bundle.key) ? mesh.bundle : undefined;
  return [
    ...(own === undefined ? [] : [meshBundleSecret(own), ...backendsCertificate(identitySource, identity)]),
    ...backendCas
      .filter(({ key }) => trusted.has(key))
      .map((ca) => secret(names.backendCaSecret(ca), [ca], () => trusting(ca.pem))),
  ];
}

/** The certificate that backends of our own mesh are shown; with identity.files, it is the one for all. */
function backendsCertificate(source: IdentitySource, identity: () => GatewayIdentity | undefined): readonly Draft[] {
  if (source.kind === 'files') return [];
  const own = identity();
  if (own === undefined) throw new Error('no identity was issued for backends');
  return [secret(names.backendsCertificateSecret(true), [own], () => issued(own))];
}

/** Our own workloads' CAs, for a gateway that meets them. */
export function meshBundleSecret(bundle: MeshBundle): Draft {
  return secret(names.meshBundleSecret(bundle), [bundle], () => trusting(bundle.pem));
}

/**
 * The bundles of names that are no longer in use: the roots that both models trust, or else a root that nobody has the key
 * of. A secret that is deleted or emptied revokes nothing, because Envoy keeps the old one until the chain is gone.
 */
export function retiredBundles(peers: readonly RetiredName[], throwawayRootPem: string): readonly Draft[] {
  return peers.map((peer) => {
    const pem = peer.meet?.roots || throwawayRootPem;
    return secret(names.bundleSecret(peer), [pem], () => trusting(pem));
  });
}

type Secret = Message<'envoy.extensions.transport_sockets.tls.v3.Secret'>;

function secret(name: string, inputs: readonly unknown[], content: () => Secret): Draft {
  return draft('envoy.extensions.transport_sockets.tls.v3.Secret', name, inputs, () => ({ name, ...content() }));
}

function trusting(pem: string): Secret {
  return { validation_context: { trusted_ca: { inline_string: pem } } };
}

function issued({ certificateChain, privateKey }: GatewayIdentity): Secret {
  return {
    tls_certificate: {
      certificate_chain: { inline_string: certificateChain },
      private_key: { inline_string: privateKey.reveal() },
    },
  };
}

/** The gateway reads its own files, and reads them again when a file is moved into their folder (renewal by rename). */
function fromFiles({ certificate, privateKey }: Extract<IdentitySource, { kind: 'files' }>): Secret {
  return {
    tls_certificate: {
      certificate_chain: { filename: certificate },
      private_key: { filename: privateKey },
      watched_directory: { path: dirname(certificate) },
    },
  };
}
