// Dials a peer's gateway once as our egress gateway does (TCP, TLS 1.3 with our certificate), and writes down what happened.
// Must not: judge what it saw, send a request, or send anything at all to a gateway that our egress gateway would refuse.

import { connect as connectTcp } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import type { PrivateKeyPem } from '../../trust/keys/private-key.ts';

/** Of the clusters that dial peers (envoy/resources/cluster.ts): for the connection and the handshake together. */
export const CONNECT_TIMEOUT_MS = 2000;
/** In TLS 1.3 the refusal of a client certificate comes after the client's handshake is done. */
const LISTEN_MS = 1000;

export interface Dial {
  readonly ip: string;
  readonly port: number;
  readonly serverName: string;
  readonly alpn: string;
  /** The peer's trust bundle, PEM. */
  readonly bundle: string;
  readonly ours: { readonly certificateChain: string; readonly privateKey: PrivateKeyPem };
  readonly signatureAlgorithms: readonly string[];
  /** Sent when the gateway is the right one; its answer is the proof that it accepts us. Empty: only listen. */
  readonly firstBytes: Buffer;
}

/** What the gateway showed in the handshake. */
export interface Shown {
  /** DER, the leaf first. */
  readonly chain: readonly Buffer[];
  /** OpenSSL's code, when the chain does not lead to the bundle. */
  readonly chainError?: string;
  readonly alpn?: string;
  /** The signature algorithms of our certificate that the gateway takes, as OpenSSL writes them (`ECDSA+SHA256`). */
  readonly taken: readonly string[];
}

export type End =
  /** The number of RFC 8446, section 6. */
  | { readonly kind: 'alert'; readonly alert: number }
  | { readonly kind: 'closed' }
  | { readonly kind: 'timeout' }
  /** The connection could not be made (the system's code), or what came is no TLS 1.3 (OpenSSL's code). */
  | { readonly kind: 'error'; readonly code: string }
  /** The gateway has answered. */
  | { readonly kind: 'answered' }
  /** It has said nothing against us. */
  | { readonly kind: 'silent' };

export interface Seen {
  readonly phase: 'connect' | 'handshake' | 'after handshake';
  /** Bytes that came before the end. */
  readonly bytes: number;
  readonly shown?: Shown;
  readonly end: End;
}

/** Errors: those of `isRight`, whatever they are: a gateway that could not be judged is sent nothing. `isRight`: whether our egress gateway would go on with a gateway that shows this. */
export async function dial(wanted: Dial, isRight: (shown: Shown) => boolean): Promise<Seen> {
  const seen = await attempt(wanted, isRight);
  // A reset may have overtaken the alert that says why: the one who only listens does not cause one.
  if (seen.phase !== 'after handshake' || seen.end.kind !== 'closed') return seen;
  const listened = await attempt({ ...wanted, firstBytes: Buffer.alloc(0) }, isRight);
  return listened.end.kind === 'alert' ? listened : seen;
}

function attempt(wanted: Dial, isRight: (shown: Shown) => boolean): Promise<Seen> {
  return new Promise((fulfil, reject) => {
    let phase: Seen['phase'] = 'connect';
    let shown: Shown | undefined;
    const tcp = connectTcp({ host: wanted.ip, port: wanted.port }, () => {
      phase = 'handshake';
    });
    const tls = connectTls(optionsOf(wanted, tcp));
    const close = (): void => {
      clearTimeout(timer);
      tls.destroy();
      tcp.destroy();
    };
    const finish = (end: End): void => {
      fulfil({ phase, bytes: tcp.bytesRead, ...(shown && { shown }), end });
      close();
    };
    let timer = setTimeout(() => finish({ kind: 'timeout' }), CONNECT_TIMEOUT_MS);
    tls.on('secureConnect', () => {
      phase = 'after handshake';
      clearTimeout(timer);
      timer = setTimeout(() => finish({ kind: 'silent' }), LISTEN_MS);
      // Thrown out of the handler of an event, an error would end the process.
      try {
        shown = shownBy(tls);
        if (wanted.firstBytes.length > 0 && isRight(shown)) tls.write(wanted.firstBytes);
      } catch (error) {
        reject(error);
        close();
      }
    });
    tls.on('data', () => finish({ kind: 'answered' }));
    tls.on('error', (error: NodeJS.ErrnoException) => finish(endOf(error)));
    tls.on('close', () => finish({ kind: 'closed' }));
    tcp.on('error', (error: NodeJS.ErrnoException) => finish(endOf(error)));
  });
}

/** Newer than the types: CAs of a bundle are trust anchors also when another CA signed them, as for Envoy. */
type Options = ConnectionOptions & { readonly allowPartialTrustChain: true };

function optionsOf(wanted: Dial, socket: ConnectionOptions['socket']): Options {
  return {
    ...tlsOptions(wanted),
    socket,
    // The handshake goes on, so that the gateway's own verdict on us is seen as well; nothing is sent to a wrong one.
    rejectUnauthorized: false,
  };
}

/** What our egress gateway would offer and verify, but for the identity of the gateway. */
export function tlsOptions(wanted: Dial): Options {
  return {
    servername: wanted.serverName,
    ALPNProtocols: [wanted.alpn],
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    sigalgs: wanted.signatureAlgorithms.join(':'),
    ca: wanted.bundle,
    cert: wanted.ours.certificateChain,
    key: wanted.ours.privateKey.reveal(),
    allowPartialTrustChain: true,
    // Names are compared in peer-side.ts and our-side.ts: identities are URIs, and the server name is no name of the certificate.
    checkServerIdentity: () => undefined,
  };
}

function shownBy(socket: TLSSocket): Shown {
  const chain: Buffer[] = [];
  let link = socket.getPeerX509Certificate();
  // A self-signed certificate is its own issuer.
  while (link !== undefined && chain.length < 16 && !chain.some((der) => link?.raw.equals(der))) {
    chain.push(link.raw);
    link = link.issuerCertificate;
  }
  const error: unknown = socket.authorizationError;
  return {
    chain,
    ...(error != null && { chainError: String(error) }),
    ...(typeof socket.alpnProtocol === 'string' && { alpn: socket.alpnProtocol }),
    taken: socket.getSharedSigalgs(),
  };
}

function endOf({ code = '', message }: NodeJS.ErrnoException): End {
  const alert = /SSL alert number (\d+)/.exec(message)?.[1];
  if (alert !== undefined) return { kind: 'alert', alert: Number(alert) };
  return code === 'ECONNRESET' || code === 'EPIPE' ? { kind: 'closed' } : { kind: 'error', code: code || message };
}
