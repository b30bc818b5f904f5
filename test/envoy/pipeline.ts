// The pipeline from a YAML text to a gateway's resources, with CAs that are made when the test runs.
// Must not: read a file; those that the YAML names are made from their names.

import assert from 'node:assert/strict';
import { parseConfig } from '../../src/config/parse.ts';
import type { Config } from '../../src/config/schema/config.ts';
import type { Expectation } from '../../src/envoy/boundary/checks/expectation.ts';
import type { Draft } from '../../src/envoy/draft.ts';
import type { ResourceJson } from '../../src/envoy/proto/types.gen.ts';
import type { KeyedPeer } from '../../src/envoy/resource-names.ts';
import { translate } from '../../src/envoy/resources/gateway-resources.ts';
import type { Federation, GatewayRole } from '../../src/federation/model.ts';
import { type Resolved, resolve } from '../../src/federation/resolve/resolve.ts';
import { expectationOf } from '../../src/pipeline/gateway-expectation.ts';
import { GatewayIdentities } from '../../src/trust/issuing/identities.ts';
import { createCa, createThrowawayRoot } from '../../src/trust/issuing/issue.ts';
import type { TrustDomain } from '../../src/trust/spiffe.ts';

/** A name without its digests, as tests write it. */
export function plainName(name: string): string {
  return name.replaceAll(/@[0-9a-f]{16}/g, '');
}

export const NOW = Date.parse('2026-11-24T12:00:00Z');
const YEAR = 365 * 24 * 60 * 60;

export interface Ca {
  readonly certificate: string;
  readonly privateKey: string;
}

export function newCa(trustDomain: string, now = NOW): Ca {
  const made = createCa({
    commonName: `${trustDomain} CA`,
    trustDomain: trustDomain as TrustDomain,
    now,
    lifetimeSeconds: YEAR,
  });
  return { certificate: made.certificate, privateKey: made.privateKey.reveal() };
}

export function configOf(yaml: string): Config {
  const { config, findings } = parseConfig(yaml);
  assert.ok(config, JSON.stringify(findings));
  return config;
}

/** The bytes of every file that a configuration names: CAs by trust domain, made now unless given. */
export function filesOf(config: Config, cas: Map<string, Ca> = new Map(), now = NOW): ReadonlyMap<string, Buffer> {
  const ca = (trustDomain: string): Ca => {
    const known = cas.get(trustDomain) ?? newCa(trustDomain, now);
    cas.set(trustDomain, known);
    return known;
  };
  const files = new Map<string, Buffer>();
  if ('issuer' in config.identity) {
    const own = ca(config.mesh.trustDomain);
    files.set(config.identity.issuer.certificate, Buffer.from(own.certificate));
    files.set(config.identity.issuer.privateKey, Buffer.from(own.privateKey));
  }
  const { trustBundle, trustDomain } = config.mesh;
  if (trustBundle !== undefined) files.set(trustBundle, Buffer.from(ca(trustDomain).certificate));
  for (const { backendTls } of config.exports)
    if (backendTls?.mode === 'simple') files.set(backendTls.ca, Buffer.from(ca(backendTls.serverName).certificate));
  for (const peer of config.peers) files.set(peer.trustBundle.file, Buffer.from(ca(peer.trustDomain).certificate));
  return files;
}

/** One mesh under test; `update` applies another text, with structural sharing, as the running process does. */
export class MeshUnderTest {
  readonly identities = new GatewayIdentities();
  readonly throwawayRootPem = createThrowawayRoot(NOW);
  readonly cas: Map<string, Ca>;
  readonly now: number;
  resolved: Resolved | undefined;

  private readonly denied: readonly string[];

  /** `denied`: peers without a usable bundle. */
  constructor(yaml: string, cas: Map<string, Ca> = new Map(), now = NOW, denied: readonly string[] = []) {
    this.cas = cas;
    this.now = now;
    this.denied = denied;
    this.update(yaml);
  }

  update(yaml: string): void {
    const config = configOf(yaml);
    const files = new Map(filesOf(config, this.cas, this.now));
    for (const { name, trustBundle } of config.peers) if (this.denied.includes(name)) files.delete(trustBundle.file);
    const { resolved, findings } = resolve({ config, files, now: this.now, previous: this.resolved });
    assert.ok(resolved, JSON.stringify(findings));
    this.resolved = resolved;
    if (resolved.issuer === undefined || !('issuer' in config.identity)) return;
    const needs = (['ingress', 'egress'] as const).flatMap((role) => {
      const gateway = this.federation[role];
      if (gateway === undefined) return [];
      return this.federation.peers.map((peer) => ({
        role,
        peer: peer.name,
        trustDomain: peer.trustDomain,
        id: gateway.identity,
      }));
    });
    const { mesh, ingress, egress, callers } = this.federation;
    const forBackends = ingress && [{ role: 'ingress', trustDomain: mesh.trustDomain, id: ingress.identity }];
    const forCallers =
      egress === undefined || callers === undefined
        ? []
        : [{ role: 'egress', trustDomain: mesh.trustDomain, id: egress.identity, dnsNames: callers.names }];
    const { lifetimeSeconds } = config.identity.issuer;
    this.identities.ensure(
      resolved.issuer,
      lifetimeSeconds,
      [...needs, ...(forBackends ?? []), ...forCallers],
      this.now,
    );
  }

  get federation(): Federation {
    assert.ok(this.resolved);
    return this.resolved.federation;
  }

  /** A peer as names show it; of one that the configuration does not have, with a key of zeros. */
  keyed(name: string): KeyedPeer {
    const key = this.federation.peers.find((peer) => peer.name === name)?.key ?? '0'.repeat(16);
    return { name, key };
  }

  drafts(role: GatewayRole, retired: readonly string[] = []): readonly Draft[] {
    return this.draftsBy(translate, role, retired);
  }

  private draftsBy(builders: typeof translate, role: GatewayRole, retired: readonly string[]): readonly Draft[] {
    return builders({
      federation: this.federation,
      role,
      identity: (peer) => this.identities.get(role, peer),
      retired: retired.map((name) => this.keyed(name)),
      throwawayRootPem: this.throwawayRootPem,
    });
  }

  resources(role: GatewayRole, retired: readonly string[] = []): readonly ResourceJson[] {
    return this.drafts(role, retired).map((draft) => draft.build());
  }

  /** What the boundary check compares the resources with. */
  expectation(role: GatewayRole, retired: readonly string[] = []): Expectation {
    const ended = retired.map((name) => this.keyed(name));
    return expectationOf(
      { federation: this.federation, retired: ended, throwawayRootPem: this.throwawayRootPem },
      role,
    );
  }

  /** What other builders than those of src/ make of this mesh. */
  resourcesBy(builders: typeof translate, role: GatewayRole): readonly ResourceJson[] {
    return this.draftsBy(builders, role, []).map((draft) => draft.build());
  }
}
