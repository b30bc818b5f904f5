// The calls of honest applications: each asks its own egress gateway for a local name.
// Must not: touch TLS; applications do not see it.

import { callGrpc, callLocally } from './calls.ts';
import type { MeshName } from './meshes.ts';
import type { Case } from './rows.ts';
import type { Stage } from './stage.ts';

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
    call: () => callLocally(demo.meshes[from].egress, `${name}${CLUSTER}`, { method, path }),
  });
  const grpc = (path: string, expected: string): Case => ({
    who: 'shop app',
    calls: `gRPC rates.bank${path}`,
    through: 'shop/egress, bank/ingress',
    expected,
    decidedBy: gateways.bank.ingress,
    call: () => callGrpc(demo.meshes.shop.egress, `rates.bank${CLUSTER}`, path),
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
    // Refused at home: nobody imported it.
    {
      ...http({ ...toBank, name: 'mail.bank', path: '/', expected: '404' }),
      through: 'shop/egress',
      decidedBy: gateways.shop.egress,
    },
  ];
}
