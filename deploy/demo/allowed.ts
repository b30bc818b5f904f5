// The calls of honest applications: each asks its own egress gateway for a local name.
// Must not: touch the TLS between gateways; applications do not see it.

import type { HostPort } from '../../src/host-port.ts';
import { AUDIT, callAsApplication, isProven, workload } from './callers.ts';
import { callGrpc, callLocally } from './calls.ts';
import type { MeshName } from './meshes.ts';
import type { Running } from './processes.ts';
import type { Case } from './rows.ts';
import type { Stage } from './stage.ts';
import { listenTo } from './tcp-calls.ts';

const CLUSTER = '.svc.cluster.local';

interface LocalCall {
  readonly from: MeshName;
  readonly to: MeshName;
  /** The local name without the cluster's suffix. */
  readonly name: string;
  readonly method?: string;
  readonly path: string;
  readonly expected: string;
}

export function localCalls({ demo, gateways }: Stage): readonly Case[] {
  const http = ({ from, to, name, method = 'GET', path, expected }: LocalCall): Case => ({
    who: `${from} app`,
    calls: `${method} ${name}${path}`,
    through: `${from}/egress, ${to}/ingress`,
    expected,
    decidedBy: gateways[to].ingress,
    call: () => callAsApplication(demo.meshes[from], `${name}${CLUSTER}`, { method, path }),
  });
  const grpc = (path: string, expected: string): Case => ({
    who: 'shop app',
    calls: `gRPC rates.bank${path}`,
    through: 'shop/egress, bank/ingress',
    expected,
    decidedBy: gateways.bank.ingress,
    call: () => callGrpc(demo.meshes.shop.egress, `rates.bank${CLUSTER}`, path),
  });
  const tcp = (from: 'shop' | 'partner', to: HostPort, decidedBy: Running, expected: string): Case => ({
    who: `${from} app`,
    calls: 'TCP ticks.bank',
    through: `${from}/egress, bank/ingress`,
    expected,
    decidedBy,
    call: () => {
      const mesh = demo.meshes[from];
      return listenTo({ to, ...(isProven(mesh) && { tls: { client: workload(mesh, AUDIT) } }) });
    },
  });
  const proven = (who: string, expected: string, as?: string): Case => ({
    who: `partner ${who}`,
    calls: 'GET ledger.bank/v1/entries/7',
    through: 'partner/egress',
    expected,
    decidedBy: gateways.partner.egress,
    call: () => {
      const [mesh, host, asked] = [demo.meshes.partner, `ledger.bank${CLUSTER}`, { path: '/v1/entries/7' }];
      return as === undefined ? callLocally(mesh.egress, host, asked) : callAsApplication(mesh, host, asked, as);
    },
  });
  const toBank = { from: 'shop', to: 'bank', name: 'withdraw.bank' } as const;
  const toPartner = { from: 'shop', to: 'partner', name: 'withdraw.partner' } as const;
  return [
    // Allowed, by local names; the same exported name of two peers is two services with two APIs.
    http({ ...toBank, method: 'POST', path: '/v1/withdrawals', expected: '200 from accounts at the bank' }),
    http({ ...toPartner, method: 'POST', path: '/points/redeem', expected: '200 from points at the partner' }),
    http({ ...toPartner, method: 'POST', path: '/v1/withdrawals', expected: '403' }),
    http({ ...toBank, method: 'POST', path: '/points/redeem', expected: '403' }),
    http({
      from: 'bank',
      to: 'shop',
      name: 'reviews.default',
      path: '/v1/reviews/7',
      expected: '200 from reviews at the shop',
    }),
    http({
      from: 'partner',
      to: 'bank',
      name: 'ledger.bank',
      path: '/v1/entries/7',
      expected: '200 from ledger at the bank',
    }),
    http({
      from: 'partner',
      to: 'shop',
      name: 'reviews.shop',
      path: '/v1/reviews/7',
      expected: '200 from reviews at the shop',
    }),
    grpc('/fx.Rates/Get', '200 from rates at the bank'),
    // Refused by the other side, whatever this side imports.
    grpc('/fx.Admin/Set', 'gRPC status 7'),
    http({ ...toBank, name: 'payroll.bank', path: '/v1/salaries', expected: '403' }),
    http({ ...toBank, name: 'ledger.bank', path: '/v1/entries/7', expected: '403' }),
    http({ ...toBank, method: 'DELETE', path: '/v1/withdrawals', expected: '403' }),
    http({ ...toBank, path: '/v1/admin', expected: '403' }),
    // TCP: a port of its own leads to one import, and a connection is granted as a whole.
    tcp('shop', demo.at(12_090), gateways.bank.ingress, 'greeting from ticks at the bank'),
    tcp('partner', demo.at(13_090), gateways.bank.ingress, 'no connection'),
    // The partner's gateway lets each import be used by its clients alone, who prove which workload they are.
    proven('app with the certificate of another workload', '403', 'ns/partner/sa/web'),
    proven('app without a certificate', 'no connection'),
    // Refused at home: nobody imported it.
    {
      ...http({ ...toBank, name: 'mail.bank', path: '/', expected: '404' }),
      through: 'shop/egress',
      decidedBy: gateways.shop.egress,
    },
  ];
}
