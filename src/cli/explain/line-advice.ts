// What a reason means, comes from, and is cured by, for the place of this line: our own callers are no peer, and a tunnel's line
// has its identity elsewhere. What is the same everywhere is in envoy/reasons.ts.
// Must not: put a text of the line into a command, but a name of the file.

import { REASONS, type ReasonCode } from '../../envoy/reasons.ts';
import type { LogLine } from './log-line.ts';

export interface Advice {
  readonly meaning: string;
  readonly cause: string;
  readonly cure: string;
}

type Special = Readonly<Partial<Record<ReasonCode, Partial<Advice>>>>;

/** At a port of the egress, where callers prove who they are. */
const OF_CALLERS: Special = {
  NO_CERTIFICATE: {
    cause: 'A caller of our own that does not know about `clients: mtls`.',
    cure: 'Give the workload its certificate.',
  },
  WRONG_CA: {
    cause: 'A caller of our own with a certificate of another CA than those in `mesh.trustBundle`.',
    cure: 'Issue it a certificate of a CA in `mesh.trustBundle`, or add its CA there.',
  },
  WRONG_IDENTITY: {
    cause: 'A caller of another trust domain, or one whose certificate has more than one SPIFFE ID.',
    cure: 'Give it a certificate with exactly one SPIFFE ID, of `mesh.trustDomain`.',
  },
  HANDSHAKE_UNFINISHED: {
    cause:
      'The caller did not accept our certificate, mostly because the name that it asked for is not in it; or it left, or sent nothing for 5 seconds.',
    cure: 'Is the name that the caller asks for imported at this port? Look at the error of the caller.',
  },
};

/** On the way to a peer. */
const OF_PEERS_GATEWAYS: Special = {
  WRONG_CA: { meaning: 'The certificate of the peer’s gateway does not come from a CA of the bundle.' },
  WRONG_IDENTITY: { cure: 'Compare the identity in `upstream_fail` with `gatewayIdentities` of the peer.' },
  HANDSHAKE_FAILED: { cure: 'See `upstream_fail` in the line.' },
};

export function adviceFor(line: LogLine): Advice {
  const { reason, fields } = line;
  const { meaning, cause, cure } = { ...REASONS[reason], ...specialOf(line)[reason] };
  const { peer = '' } = fields;
  const named = /^[a-z0-9][a-z0-9-]{0,62}$/.test(peer)
    ? cure.replace('postern check peer NAME', `postern check peer ${peer}`).replace('peers.NAME', `peers.${peer}`)
    : cure;
  return { meaning, cause, cure: named };
}

function specialOf({ role, layer, fields }: LogLine): Special {
  if (role === 'ingress') return {};
  if (layer === 'listener') return OF_CALLERS;
  return layer === 'tunnel' || fields['upstream_fail'] !== undefined ? OF_PEERS_GATEWAYS : {};
}
