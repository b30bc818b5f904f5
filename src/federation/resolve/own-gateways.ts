// The gateways of our own mesh in the model.
// Must not: know what passes them.

import type { Config } from '../../config/schema/config.ts';
import { spiffeId, type TrustDomain } from '../../trust/spiffe.ts';
import type { Federation, Gateway } from '../model.ts';

type Gateways = Pick<Federation, 'ingress' | 'egress'>;
type OwnGateway = Pick<NonNullable<Config['gateways'][Gateway['role']]>, 'identity' | 'limits'>;

export function resolveGateways(config: Config, ours: TrustDomain): Gateways {
  const { ingress, egress } = config.gateways;
  const gateway = (role: Gateway['role'], address: string, { identity, limits }: OwnGateway): Gateway => ({
    role,
    identity: spiffeId(ours, identity),
    address,
    ...(limits && { limits }),
  });
  return {
    ...(ingress && {
      ingress: { ...gateway('ingress', ingress.address.host, ingress), port: ingress.address.port },
    }),
    ...(egress && { egress: gateway('egress', egress.address, egress) }),
  };
}

export function pickGateways({ ingress, egress }: Federation): Gateways {
  return { ...(ingress && { ingress }), ...(egress && { egress }) };
}
