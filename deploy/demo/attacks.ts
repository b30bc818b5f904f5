// Clients that dial the bank's ingress directly: a dishonest peer with its real certificate, and strangers with wrong
// ones.
// Must not: use what an attacker could not have, except to show that it fails.

import { join } from 'node:path';
import { type Credentials, callGateway } from './calls.ts';
import { certify } from './certificates.ts';
import { type DemoMesh, makeCa, PARTNER_LABEL } from './meshes.ts';
import type { Case } from './rows.ts';
import type { Stage } from './stage.ts';
import { listenTo } from './tcp-calls.ts';

const SHOP = 'shop.example.peers.bank.example';
const PARTNER = `${PARTNER_LABEL}.peers.bank.example`;
const TICKS = 'ticks.fx.tcp.shop.example.peers.bank.example';
const ACCOUNTS = 'withdraw.accounts.exports.bank.example';

export async function attacks({ demo, processes, gateways }: Stage): Promise<readonly Case[]> {
  const { bank, shop, partner } = demo.meshes;
  const stranger = join(demo.folder, 'pki', 'stranger');
  await makeCa(processes, stranger, shop.trustDomain);
  const ofShop = (): Credentials => certify(shop.pki, shop.trustDomain, shop.trustDomain, 'gateway/egress');
  const dial = (wanted: Attack): Case => ({
    who: wanted.who,
    calls: wanted.calls,
    through: 'bank/ingress, directly',
    expected: wanted.expected,
    decidedBy: gateways.bank.ingress,
    call: () => {
      const client = wanted.client?.();
      const { servername = SHOP, path = '/v1/receipts/7', headers = {} } = wanted;
      return callGateway({ gateway: bank.ingress, servername, ...(client && { client }) }, ACCOUNTS, { path, headers });
    },
  });
  const shopItself = { who: 'shop gateway', client: ofShop };
  const trick = (what: string, path: string): Case =>
    dial({ ...shopItself, calls: `${what}: GET ${path}`, path, expected: '403' });
  const claim = (what: string, expected: string, element?: string): Case =>
    dial({
      ...shopItself,
      calls: `${what}: GET withdraw.accounts/v1/statements`,
      path: '/v1/statements',
      ...(element !== undefined && { headers: { 'x-forwarded-client-cert': element } }),
      expected,
    });
  const tcp = (who: string, of: DemoMesh, expected: string): Case => ({
    who,
    calls: "TCP on the shop's name for ticks.fx",
    through: 'bank/ingress, directly',
    expected,
    decidedBy: gateways.bank.ingress,
    call: () => {
      const client = certify(of.pki, of.trustDomain, of.trustDomain, 'gateway/egress');
      return listenTo({ to: bank.ingress, tls: { client, servername: TICKS, alpn: 'postern-tcp' } });
    },
  });
  const checkout = elementOf('spiffe://shop.example/ns/shop/sa/checkout');
  const refused = { calls: 'GET withdraw.accounts/v1/receipts/7', expected: 'no connection' };
  return [
    dial({ ...shopItself, calls: refused.calls, expected: '200 from accounts at the bank' }),
    trick('path with ..', '/v1/receipts/../admin'),
    trick('path with %2f', '/v1/receipts/..%2fadmin'),
    trick('path with //', '//v1/admin'),
    // A rule with workloads: the shop's proven gateway says who calls, in one element and of its own trust domain.
    claim('for the checkout', '200 from accounts at the bank', checkout),
    claim('for another workload', '403', elementOf('spiffe://shop.example/ns/shop/sa/web')),
    claim("for a partner's workload", '403', elementOf('spiffe://partner.example/ns/shop/sa/checkout')),
    claim('for two workloads at once', '403', `${checkout},${checkout}`),
    claim('for nobody', '403'),
    dial({ ...refused, who: 'no certificate' }),
    dial({
      ...refused,
      who: "shop's name from a CA of its own making",
      client: () => certify(stranger, shop.trustDomain, shop.trustDomain, 'gateway/egress'),
    }),
    dial({
      ...refused,
      who: "shop's name from the partner's CA",
      client: () => forged(partner, shop),
    }),
    dial({
      ...refused,
      who: "partner gateway on the shop's SNI",
      client: () => certify(partner.pki, partner.trustDomain, partner.trustDomain, 'gateway/egress'),
    }),
    dial({ ...refused, ...shopItself, who: "shop gateway on the partner's SNI", servername: PARTNER }),
    dial({
      ...refused,
      who: 'a workload of the shop, not its gateway',
      client: () => certify(shop.pki, shop.trustDomain, shop.trustDomain, 'ns/default/sa/web'),
    }),
    tcp('shop gateway', shop, 'greeting from ticks at the bank'),
    tcp('partner gateway', partner, 'no connection'),
    dial({ ...refused, ...shopItself, who: 'shop gateway, unknown SNI', servername: 'guess.peers.bank.example' }),
  ];
}

interface Attack {
  readonly who: string;
  readonly calls: string;
  readonly expected: string;
  readonly client?: () => Credentials;
  readonly servername?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What the shop's egress writes about a caller: itself, the digest of the caller's certificate (any), and the caller. */
function elementOf(workload: string): string {
  return `By=spiffe://shop.example/gateway/egress;Hash=${'0'.repeat(64)};URI=${workload}`;
}

/** One peer's CA signs the other peer's name: what a pool of trusted CAs would let through. */
function forged(from: DemoMesh, as: DemoMesh): Credentials {
  return certify(from.pki, from.trustDomain, as.trustDomain, 'gateway/egress');
}
