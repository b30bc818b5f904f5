// Good resources for mutations: those of a mesh with two peers, copied, with accessors for the places that are mutated.
// Must not: share anything between two copies.

import type { BoundaryRule } from '../../../../src/envoy/boundary/boundary-rules.ts';
import { checkBoundary } from '../../../../src/envoy/boundary/checks/boundary-check.ts';
import type { ResourceJson } from '../../../../src/envoy/proto/types.gen.ts';
import type { GatewayRole } from '../../../../src/federation/model.ts';
import { certify, issuerOf } from '../../callers.ts';
import { MeshUnderTest, NOW, newCa, plainName } from '../../pipeline.ts';

export const mesh = new MeshUnderTest(`
apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example, trustBundle: mesh.pem}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {ingress: {address: "127.0.0.1:15443"}, egress: {address: 127.0.0.1}}
peers:
  shop: {trustDomain: shop.example, trustBundle: shop.pem, gatewayIdentities: [gateway/egress, gateway/ingress], addresses: ["127.0.0.1:15444"], limits: {requestsPerSecond: 100, requests: 50, connections: 20}}
  partner: {trustDomain: partner.example, trustBundle: partner.pem, gatewayIdentities: [gateway/egress], addresses: ["127.0.0.1:15445", "127.0.0.1:15446"]}
exports:
- {name: accounts, backend: "127.0.0.1:80", consumers: [{peer: shop, methods: [GET], paths: [/v1/*], limits: {requestsPerSecond: 10, requests: 5, connections: 7, requestBody: 1MiB}}, {peer: partner, methods: [GET, POST], paths: [/a, /b/*]}]}
- {name: ledger, protocol: tcp, backend: "127.0.0.1:82", consumers: [{peer: shop, limits: {connections: 9}}, {peer: partner}]}
- {name: feed, protocol: http2, backend: "127.0.0.1:83", consumers: [{peer: partner, methods: [GET], paths: [/*]}]}
- {name: sessions, protocol: tcp, backend: "127.0.0.1:83", consumers: [{peer: shop}]}
- {name: loans, backend: "127.0.0.1:81", consumers: [{peer: shop, allow: [{methods: [GET], paths: [/l]}, {methods: [PUT], paths: [/m/*]}, {methods: [GET], paths: [/w, /x/*], workloads: [ns/web/sa/front, ns/team/*]}]}]}
- {name: zchat, backend: "127.0.0.1:82", upgrades: [websocket], consumers: [{peer: shop, methods: [GET], paths: [/ws]}]}
- {name: vault, backend: {address: "vault.bank.svc:82", tls: mtls, identity: ns/bank/sa/vault}, consumers: [{peer: shop, methods: [GET], paths: [/*]}]}
- {name: web, backend: {address: "127.0.0.1:83", tls: simple, serverName: web.bank.internal, ca: web-ca.pem}, consumers: [{peer: shop, methods: [GET], paths: [/*]}]}
imports:
- {peer: shop, name: cart, as: cart.default.svc.cluster.local, port: 8080}
- {peer: partner, name: cart, as: cart2.default.svc.cluster.local, port: 8080, limits: {requestsPerSecond: 30, requests: 9000, requestBody: 2MiB}}
- {peer: shop, name: queue, as: queue, port: 5672, protocol: tcp}
- {peer: shop, name: stock, as: stock, port: 5432, protocol: tcp}
- {peer: partner, name: queue, as: queue2, port: 5673, protocol: tcp, limits: {connections: 11}}
`);

// Mutations reach anywhere into ProtoJSON, so they see it as plain data.
// biome-ignore lint/suspicious/noExplicitAny: a mutation may write nonsense on purpose
export type Data = any;

export class Copy {
  readonly resources: Data[];

  private readonly role: GatewayRole;
  private readonly mesh: MeshUnderTest;

  constructor(role: GatewayRole, of: MeshUnderTest = mesh) {
    this.role = role;
    this.mesh = of;
    this.resources = structuredClone(of.resources(role, ['gone'])) as Data[];
  }

  check(): void {
    checkBoundary(this.resources as ResourceJson[], this.mesh.expectation(this.role, ['gone']));
  }

  named(kind: string, name: string): Data {
    const isIt = (resource: Data): boolean =>
      resource['@type'].endsWith(`.${kind}`) && plainName(resource.name) === name;
    return this.resources.find(isIt);
  }

  /** A name of a peer's resource, in full. */
  label(peer: string): string {
    const { name, key } = mesh.keyed(peer);
    return `${name}@${key}`;
  }

  get chain(): Data {
    return this.named('Listener', 'ingress').filter_chains.find((chain: Data) => plainName(chain.name) === 'peer/shop');
  }

  get tls(): Data {
    return this.chain.transport_socket.typed_config;
  }

  get manager(): Data {
    return this.chain.filters.at(-1).typed_config;
  }

  /** An HTTP filter of the chain. */
  filter(name: string): Data {
    return this.manager.http_filters.find((filter: Data) => filter.name === name);
  }

  removeFilter(name: string): Data {
    const { http_filters: filters } = this.manager;
    return filters.splice(filters.indexOf(this.filter(name)), 1)[0];
  }

  get routes(): Data {
    return this.named('RouteConfiguration', 'ingress/shop');
  }

  get host(): Data {
    return this.routes.virtual_hosts[0];
  }

  get policy(): Data {
    return Object.values(this.host.typed_per_filter_config['envoy.filters.http.rbac'].rbac.rules.policies)[0];
  }

  /** The chain of the ledger for the shop, and its proxy. */
  get tcpChain(): Data {
    const { filter_chains: chains } = this.named('Listener', 'ingress');
    return chains.find((chain: Data) => plainName(chain.name) === 'tcp/shop/ledger');
  }

  get tcpProxy(): Data {
    return this.tcpChain.filters[2].typed_config;
  }

  get gate(): Data {
    return this.named('Listener', 'gate/shop/ledger');
  }

  get gateProxy(): Data {
    return this.gate.filter_chains[0].filters[0].typed_config;
  }

  /** The port of the shop's queue, and where it leads. */
  get tcpPort(): Data {
    return this.named('Listener', 'egress/5672');
  }

  get queue(): Data {
    return this.named('Cluster', 'tcp/shop/queue');
  }

  /** Where requests for the shop go. */
  get tunnelled(): Data {
    return this.named('Cluster', 'import/shop');
  }

  get tunnel(): Data {
    return this.named('Listener', 'import/shop');
  }

  /** The shop's gateways. */
  get cluster(): Data {
    return this.named('Cluster', 'dial/shop');
  }

  get upstream(): Data {
    return this.cluster.transport_socket.typed_config;
  }

  /** A workload of our own mesh. */
  get vault(): Data {
    return this.named('Cluster', 'export/shop/vault').transport_socket.typed_config;
  }

  /** An HTTPS server. */
  get web(): Data {
    return this.named('Cluster', 'export/shop/web').transport_socket.typed_config;
  }

  /** The secret of one kind that has no peer, with its full name. */
  secret(kind: 'mesh-bundle' | 'backend-ca'): Data {
    return this.resources.find(({ name }) => name.startsWith(`${kind}/`));
  }

  remove(kind: string, name: string): void {
    this.resources.splice(this.resources.indexOf(this.named(kind, name)), 1);
  }
}

export const sans = (context: Data): Data[] =>
  context.common_tls_context.combined_validation_context.default_validation_context.match_typed_subject_alt_names;
export const leaf = certify(
  issuerOf(newCa('shop.example'), 'shop.example', NOW),
  ['spiffe://shop.example/gateway/egress'],
  NOW,
);

export type Mutation = readonly [what: string, role: GatewayRole, mutate: (copy: Copy) => void];

export type Mutations = Partial<Record<BoundaryRule, readonly Mutation[]>>;
