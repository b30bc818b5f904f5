// What it means that a peer's gateway ends the connection: its alert (RFC 8446, section 6), or none, in the words of its file.
// Must not: be sure where the peer does not say: what several settings lead to is named with all of them.

import { factsOf } from './certificate-facts.ts';
import type { End, Seen, Shown } from './dial.ts';
import { type Context, ourKey, theirKey, type Verdict } from './verdict.ts';

const ALERTS: Readonly<Record<number, string>> = {
  40: 'handshake_failure',
  42: 'bad_certificate',
  43: 'unsupported_certificate',
  44: 'certificate_revoked',
  45: 'certificate_expired',
  46: 'certificate_unknown',
  47: 'illegal_parameter',
  48: 'unknown_ca',
  49: 'access_denied',
  50: 'decode_error',
  51: 'decrypt_error',
  70: 'protocol_version',
  71: 'insufficient_security',
  80: 'internal_error',
  112: 'unrecognized_name',
  116: 'certificate_required',
  120: 'no_application_protocol',
};

/** Undefined: the peer's gateway has nothing against us. */
export function whatThePeerRefuses(seen: Seen, context: Context): Verdict | undefined {
  const { end, phase, bytes } = seen;
  switch (end.kind) {
    case 'answered':
    case 'silent':
      return undefined;
    case 'alert':
      return alertVerdict(end.alert, seen, context);
    case 'timeout':
      return timedOut(phase);
    case 'error':
      return phase === 'connect' ? notConnected(end) : notTls(end);
    case 'closed':
      if (phase === 'after handshake') return closedLater(context);
      return bytes === 0
        ? unknownServerName(context)
        : peerRefuses('PEER_REFUSED_US', 'it ends the handshake without saying why', SEE_THEIR_LOG);
  }
}

const SEE_THEIR_LOG =
  'the access log of the peer’s ingress gateway has the reason: ask its operators for the line of this time';

function peerRefuses(reason: Verdict['reason'], text: string, remedy: string): Verdict {
  return { refusedBy: 'peer', reason, text: `the peer's gateway refuses us: ${text}`, remedy };
}

function nobody(reason: Verdict['reason'], text: string, remedy: string): Verdict {
  return { refusedBy: 'nobody', reason, text, remedy };
}

function notConnected({ code }: Extract<End, { kind: 'error' }>): Verdict {
  const [text, remedy] = SYSTEM[code] ?? [
    `the connection cannot be made: ${code}`,
    'check the address and the way there',
  ];
  return nobody('PEER_DOWN', text, remedy);
}

const SYSTEM: Readonly<Record<string, readonly [string, string]>> = {
  ECONNREFUSED: ['nothing listens at this address', 'the peer starts its gateway, or correct the address'],
  EHOSTUNREACH: ['the host cannot be reached', 'check routes and firewalls on the way'],
  ENETUNREACH: ['the network cannot be reached', 'check routes and firewalls on the way'],
  EACCES: ['this machine does not allow the connection', 'check the firewall of this machine'],
  EPERM: ['this machine does not allow the connection', 'check the firewall of this machine'],
};

function timedOut(phase: Seen['phase']): Verdict {
  return phase === 'connect'
    ? nobody(
        'PEER_DOWN',
        'the connection is not made within two seconds, which is as long as our gateway waits',
        'check the address, and firewalls on the way that drop packets',
      )
    : nobody(
        'PEER_DOWN',
        'the connection is made, and the handshake is not answered within two seconds',
        'the peer checks what listens there; a load balancer may have no gateway behind it',
      );
}

function notTls({ code }: Extract<End, { kind: 'error' }>): Verdict {
  return nobody(
    'NOT_TLS',
    `what listens there does not speak TLS 1.3 (${code})`,
    'correct the address: a peer’s ingress gateway speaks TLS 1.3 alone',
  );
}

/** Envoy has no filter chain for the server name, ALPN and TLS of the client's first message. */
function unknownServerName(context: Context): Verdict {
  const { serverName, alpn, tcpImport, peer } = context;
  const wanted = `${serverName} (ALPN ${alpn})`;
  const causes =
    tcpImport !== undefined
      ? `the peer does not grant us this TCP export, or its file denies us (its trust bundle for us has no usable CA) or has another sni for us`
      : `the peer's file does not have us as a peer, denies us (its trust bundle for us has no usable CA), or has another sni for us, or its gateway has no configuration yet`;
  const limit = 'or our gateway has as many connections open as limits.connections of the peer’s entry for us allows';
  const compare = `compare ${ourKey(context, 'sni')} with ${theirKey(context, 'sni')} (without it, the name begins with our trust domain), and our trust domain of the peer (${peer.trustDomain}) with its mesh.trustDomain; a load balancer with no gateway behind it closes in the same way, and so does a limit: ask the peer whether the access log of its ingress gateway has CONNECTION_LIMIT at this time`;
  return peerRefuses(
    'UNKNOWN_SERVER_NAME',
    `it closes the connection without a byte of TLS: it does not know the server name ${wanted}: ${causes}; ${limit}`,
    tcpImport === undefined
      ? compare
      : `ask the peer to grant us ${tcpImport} as TCP (it may export it as HTTP, or to others only); if it does, ${compare}`,
  );
}

/** The network filters of a chain judge after the handshake; of TCP, the way to the backend begins there as well. */
function closedLater({ ours: { uris }, tcpImport }: Context): Verdict {
  const when = tcpImport === undefined ? 'after the handshake, at our first byte' : 'after the handshake';
  const said = `closes the connection ${when}, without an alert`;
  if (uris.length !== 1)
    return peerRefuses(
      'WRONG_IDENTITY',
      `it ${said}: our certificate has ${uris.length} URI names, and a gateway has exactly one`,
      'write a certificate with exactly one URI name to identity.files of our file',
    );
  if (tcpImport !== undefined)
    return nobody(
      'PEER_RESET',
      `the peer's gateway ${said}: its backend of ${tcpImport} is down, or we have as many connections to it open as limits.connections in the peer's file allows`,
      'ask the operators of the peer for the line of this time in the access log of its ingress gateway: BACKEND_DOWN, BACKEND_TLS and CONNECTION_LIMIT tell these apart',
    );
  const text = `the peer's gateway ${said}: it refuses our certificate, or it is about to end`;
  return { refusedBy: 'peer', reason: 'PEER_REFUSED_US', text, remedy: SEE_THEIR_LOG };
}

/** `isAccepted`: the same gateway takes our certificate on another connection. By itself, an end does not say that it took it. */
export function endedLater(verdict: Verdict, isAccepted: boolean): Verdict {
  if (verdict.reason !== 'PEER_RESET') return verdict;
  const text = isAccepted
    ? 'our certificate is not the cause: the same gateway has just accepted it on another connection'
    : 'or it refuses our certificate, which a gateway of Postern says by an alert';
  return { ...verdict, text: `${verdict.text}; ${text}` };
}

function alertVerdict(alert: number, { phase, shown }: Seen, context: Context): Verdict {
  const name = ALERTS[alert] ?? `number ${alert}`;
  const said = `it sends the alert ${name}`;
  const { ours, ourAnchor } = context;
  switch (name) {
    case 'unknown_ca': {
      const ca = ourAnchor === undefined ? ours.issuer : `${ourAnchor.subject}, SHA-256 ${ourAnchor.fingerprint}`;
      return peerRefuses(
        'WRONG_CA',
        `${said}: the CA of our certificate is not in its trust bundle for us`,
        `the peer adds our CA (${ca}) to ${theirKey(context, 'trustBundle')}; postern peer show --ours -o pem prints the CA`,
      );
    }
    case 'certificate_expired':
      return expired(said, context);
    case 'certificate_revoked':
      return peerRefuses('CERTIFICATE_REVOKED', `${said}: our certificate is revoked there`, SEE_THEIR_LOG);
    case 'bad_certificate':
    case 'certificate_unknown':
      return peerRefuses(
        'WRONG_IDENTITY',
        `${said}: our identity ${ours.uris.join(' and ')} is not one that it accepts`,
        `the peer writes ${ours.uris.join(' and ')} to ${theirKey(context, 'gatewayIdentities')}, or correct gateways.egress.identity of our file`,
      );
    case 'unsupported_certificate':
      return peerRefuses(
        'WRONG_PURPOSE',
        `${said}: our certificate may not be used by a client`,
        'give our gateway a certificate with clientAuth and serverAuth',
      );
    case 'certificate_required':
      return certificateRequired(said, shown, context);
    case 'no_application_protocol':
      return noAlpn(said, context);
    case 'handshake_failure':
    case 'insufficient_security':
      return phase === 'handshake'
        ? noCommonKind(said, shown, context)
        : peerRefuses('PEER_REFUSED_US', said, SEE_THEIR_LOG);
    default:
      return peerRefuses('PEER_REFUSED_US', said, SEE_THEIR_LOG);
  }
}

function noAlpn(said: string, { alpn }: Context): Verdict {
  return peerRefuses(
    'NO_ALPN',
    `${said}: it does not speak ${alpn}`,
    'dial the peer’s gateway itself: something else listens there, or ends TLS before it',
  );
}

/** `shown`: what the gateway shows to a client that accepts every kind of key. */
function noCommonKind(said: string, shown: Shown | undefined, context: Context): Verdict {
  const [leaf] = shown?.chain ?? [];
  if (leaf === undefined)
    return peerRefuses(
      'WRONG_KEY_KIND',
      `${said}, also to a client that accepts every kind of key: it has no key that it may use with us`,
      `the peer adds the kind of its own gateway's key to ${theirKey(context, 'leafKeys')}`,
    );
  return {
    refusedBy: 'us',
    reason: 'WRONG_KEY_KIND',
    text: `our gateway accepts no certificate of the peer: its key is ${factsOf(leaf).key}, and our file accepts ${context.peer.leafKeys.join(', ')} (the peer ${said.replace(/^it /, '')})`,
    remedy: `add the kind of its key to ${ourKey(context, 'leafKeys')}, or the peer gives its gateway a key of another kind`,
  };
}

function expired(said: string, { ours, now }: Context): Verdict {
  const time = new Date(now).toISOString();
  if (Date.parse(ours.notAfter) <= now)
    return peerRefuses(
      'CERTIFICATE_EXPIRED',
      `${said}: our certificate ended on ${ours.notAfter}`,
      'renew our certificate: the issuer of our file, or the files of identity.files',
    );
  return peerRefuses(
    'CERTIFICATE_EXPIRED',
    `${said}, though our certificate is valid from ${ours.notBefore} to ${ours.notAfter} and it is ${time} here: the peer's clock differs, or a CA of its bundle for us has expired`,
    `compare the clocks of both machines, and the peer the end of the CAs of trustBundle in its entry for us`,
  );
}

/** TLS libraries send no certificate when the server takes no signature that the key can make. */
function certificateRequired(said: string, shown: Shown | undefined, context: Context): Verdict {
  const { ours } = context;
  const kind = ours.key.startsWith('RSA') ? 'RSA' : ours.key.startsWith('EC ') ? 'ECDSA' : 'Ed25519';
  const takes = shown?.taken ?? [];
  if (takes.some((algorithm) => algorithm.startsWith(kind)))
    return peerRefuses('NO_CERTIFICATE', `${said}: our certificate did not arrive`, SEE_THEIR_LOG);
  return peerRefuses(
    'WRONG_KEY_KIND',
    `${said}: it does not accept a key of the kind ${kind}, which ours is`,
    `the peer adds ${kind.toLowerCase()} to ${theirKey(context, 'leafKeys')}, or our gateway gets a key of another kind (identity of our file)`,
  );
}
