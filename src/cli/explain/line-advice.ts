// What a reason means, comes from, and is cured by, for the place of this line: our own callers are no peer, and a line of a connection
// that our gateway has dialled has other fields. What is the same for all lines of a gateway is in envoy/reasons.ts.
// Must not: put a text of the line into a command, but a name of the file; or name a field that such a line does not have.

import { type Advice, adviceAt, type ReasonCode } from '../../envoy/reasons.ts';
import { alertAdvice } from './alert-advice.ts';
import type { LogLine } from './log-line.ts';
import { malformedAdvice } from './malformed-advice.ts';

export type { Advice };

type Special = Readonly<Partial<Record<ReasonCode, Partial<Advice>>>>;

/** What a service answers is in lines of requests alone. */
const TAKEN: Special = {
  ALLOWED: { meaning: 'The TLS connection was accepted; what comes in it has lines of its own.' },
};
const CARRIED: Special = {
  ALLOWED: { meaning: 'The connection was admitted and passed on; the gateway does not see what it carries.' },
};
const MADE: Special = {
  ALLOWED: {
    meaning:
      'Our gateway has verified the gateway of the peer, and the connection was made; its requests have lines of their own.',
  },
};

const SEE_TLS: Special = { ...TAKEN, HANDSHAKE_FAILED: { cure: 'See `tls_fail` in the line.' } };

/** At a port of the egress, where callers prove who they are. */
const OF_CALLERS: Special = {
  ...SEE_TLS,
  WRONG_CA: {
    cause: 'A caller of our own with a certificate of another CA than those in `mesh.trustBundle`.',
    cure: 'Issue it a certificate of a CA in `mesh.trustBundle`, or add its CA there.',
  },
  WRONG_IDENTITY: {
    cause: 'A caller of another trust domain, or one whose certificate has more than one SPIFFE ID.',
    cure: 'Give it a certificate with exactly one SPIFFE ID, of `mesh.trustDomain`.',
  },
  WRONG_PURPOSE: { cure: 'Issue the workload a certificate with clientAuth and digitalSignature.' },
  WRONG_KEY_KIND: {
    cause: 'The workload has a key of a kind that our gateway does not take, or does not accept the kind of ours.',
    cure: 'Give it a certificate with a key of the kind P-256, P-384, P-521, Ed25519 or RSA.',
  },
  HANDSHAKE_UNFINISHED: {
    cause:
      'The caller did not accept our certificate, mostly because the name that it asked for is not in it; or it left, or sent nothing for 5 seconds.',
    cure: 'Is the name that the caller asks for imported at this port? Look at the error of the caller.',
  },
  PEER_REFUSED_US: {
    meaning: 'A caller of our own ended the handshake with a TLS alert: it does not accept our certificate.',
    cause: 'It does not trust our CA, or asks for a name that is not in the certificate of our gateway.',
    cure: '`tls_fail` has the alert. Is the name that the caller asks for imported at this port? Look at the error of the caller.',
  },
};

/** What a peer's gateway shows to ours, and the other way round, where ours has dialled. */
const DIALLED: Special = {
  WRONG_CA: { meaning: 'The certificate of the peer’s gateway does not come from a CA of the bundle.' },
  WRONG_IDENTITY: {
    cause: 'The gateway of the peer has another SPIFFE ID than in `gatewayIdentities`.',
    cure: 'Compare the identity in `upstream_fail` with `gatewayIdentities` of the peer.',
  },
  NO_CERTIFICATE: {
    cause: 'What listens at the address is no gateway of Postern.',
    cure: 'Compare `addresses` of the peer with what it says.',
  },
  HANDSHAKE_FAILED: {
    cause: 'What listens at the address does not speak TLS as a gateway does.',
    cure: 'See `upstream_fail` in the line.',
  },
  PEER_DOWN: {
    cause: 'No gateway of the peer listens at the address, it went down, or the network does not lead there.',
  },
  PEER_REFUSED_US: {
    cure: '`upstream_fail` has the alert, where there is one; run `postern check peer NAME -f FILE`, and have the peer look into its log.',
  },
};

const DIALLED_TCP: Special = {
  ...DIALLED,
  WRONG_CA: {
    ...DIALLED.WRONG_CA,
    cure: 'Compare with `postern peer show` of the other mesh, and exchange the bundle; `postern can WORKLOAD IMPORT --peer-certificate FILE` says what is wrong with a certificate of the peer’s gateway.',
  },
};

/** Of a TCP connection that the peer reset after bytes of it had come. */
const RESET: Special = {
  PEER_RESET: {
    meaning: 'The connection was reset from the side of the peer, after bytes of it had come.',
    cause: 'Its gateway withdrew the trust or the grant, or restarted; or its service reset the connection.',
  },
};
const UNANSWERED: Special = {
  PEER_RESET: {
    meaning: 'The TCP connection ended without a byte from the peer, whichever side ended it.',
    cause:
      'Its service is down, we have as many connections open as it grants, its gateway restarts or withdrew its trust, or the caller left at once.',
  },
};

/** At the gate of a TCP export, which compares what TLS has verified before. */
const OF_GATES: Special = {
  WRONG_IDENTITY: { cure: 'Compare `peer_uri` of the line with `gatewayIdentities` of the peer.' },
};

export function adviceFor(line: LogLine): Advice {
  const { reason, role, fields } = line;
  const { meaning, cause, cure } = {
    ...adviceAt(reason, role),
    ...specialOf(line)[reason],
    ...alertAdvice(line),
    ...malformedAdvice(line),
  };
  const { peer = '', peer_uri: uri = '' } = fields;
  const [, path] = /^spiffe:\/\/[a-z0-9._-]+\/([A-Za-z0-9._/-]{1,200})$/.exec(uri) ?? [];
  if (reason === 'CLIENT' && path !== undefined)
    return { meaning, cause, cure: `Add \`${path}\` to \`clients\` of the import, if it may use it.` };
  const named = /^[a-z0-9][a-z0-9-]{0,62}$/.test(peer)
    ? cure
        .replace('postern check peer NAME', `postern check peer ${peer}`)
        .replace('postern can PEER', `postern can ${peer}`)
        .replace('peers.NAME', `peers.${peer}`)
    : cure;
  return { meaning, cause, cure: named };
}

function specialOf({ role, layer, fields }: LogLine): Special {
  if (layer === 'listener') return role === 'ingress' ? SEE_TLS : OF_CALLERS;
  if (layer === 'http') return {};
  if (layer === 'tunnel') return { ...DIALLED, ...MADE };
  if (role === 'ingress') return { ...OF_GATES, ...CARRIED };
  return { ...DIALLED_TCP, ...CARRIED, ...(Number(fields['tx']) > 0 ? RESET : UNANSWERED) };
}
