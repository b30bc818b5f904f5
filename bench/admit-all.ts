// An admission and limits that let every client of a bench in.
// Must not: be part of the product, or lift a limit that no load of a bench meets: what a single client may do to the
// others stays as it is.

import type { Admission } from '../src/xds/admission/admission.ts';
import type { XdsServerOptions } from '../src/xds/transport/xds-server.ts';

/** The gateway of a dump: it is one gateway's. */
export const GATEWAY = 'ingress';

const ENDLESS = { burst: Number.MAX_SAFE_INTEGER, perSecond: 0 };
const UNLIMITED = { requests: ENDLESS, names: ENDLESS };

export const LIMITS: NonNullable<XdsServerOptions['limits']> = {
  ratesPerStream: UNLIMITED,
  ratesPerGateway: UNLIMITED,
  streamsPerGateway: 100_000,
  openings: { streamsPerConnection: { burst: 200, perSecond: 20 }, streamsPerGateway: ENDLESS },
  bytesPerGateway: Number.MAX_SAFE_INTEGER,
};

/** Whoever the load generator's certificate names. */
export function admitAll(gatewayOf: (node: string | undefined) => string = () => GATEWAY): () => Admission {
  const admission: Admission = {
    identify: (claims) => ({ ok: true, gateway: gatewayOf(claims?.id), notAfter: Number.POSITIVE_INFINITY }),
  };
  return () => admission;
}
