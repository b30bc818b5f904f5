// Dials every address of a peer as our egress gateway would, and says of each which side refuses what.
// Must not: reach the peer in a way that the egress gateway does not, or go on where it would stop.

import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import * as names from '../../envoy/resource-names.ts';
import { ALGORITHMS, signatureAlgorithms } from '../../envoy/resources/tls/tls.ts';
import type { IdentitySource, Import, Peer } from '../../federation/model.ts';
import { tcpServerName } from '../../federation/wire-names.ts';
import type { HostPort } from '../../host-port.ts';
import type { PrivateKeyPem } from '../../trust/keys/private-key.ts';
import { type CertificateFacts, factsOf } from './certificate-facts.ts';
import { type Dial, dial, type Seen } from './dial.ts';
import { healthOf } from './health.ts';
import { whatWeRefuse } from './our-side.ts';
import { endedLater, whatThePeerRefuses } from './peer-side.ts';
import type { Context, Verdict } from './verdict.ts';

/** Our certificate towards the peer. */
export interface OurIdentity {
  readonly certificateChain: string;
  readonly privateKey: PrivateKeyPem;
  readonly facts: CertificateFacts;
  readonly anchor?: CertificateFacts;
}

export interface CheckInput {
  readonly peer: Peer;
  readonly ourDomain: string;
  /** What is imported from the peer. */
  readonly imports: readonly Import[];
  readonly source: IdentitySource;
  readonly ours: OurIdentity;
  readonly addresses: readonly HostPort[];
}

/** One way to the peer: an address, for HTTP or for one TCP import. */
export interface CheckedWay {
  readonly host: string;
  readonly port: number;
  /** Absent: the name does not resolve. */
  readonly ip?: string;
  /** Absent: HTTP and gRPC. */
  readonly tcpImport?: string;
  readonly serverName: string;
  readonly alpn: string;
  /** The peer's certificate; absent: it was not shown. */
  readonly theirs?: CertificateFacts;
  /** The answer to the health check. */
  readonly status?: number;
  /** Empty: all is fine. */
  readonly verdicts: readonly Verdict[];
}

export interface Use {
  readonly tcpImport?: string;
  readonly serverName: string;
  readonly alpn: string;
}

export async function checkPeer(input: CheckInput): Promise<readonly CheckedWay[]> {
  const uses = usesOf(input);
  const ways = await Promise.all(
    input.addresses.map(async ({ host, port }) => {
      const ips = await addressesOf(host);
      if (typeof ips === 'string')
        return uses.map((use) => ({ host, port, ...use, verdicts: [unresolved(host, ips)] }));
      return await Promise.all(ips.flatMap((ip) => uses.map((use) => checkWay(input, { host, port, ip }, use))));
    }),
  );
  return comparedAtEach(ways.flat());
}

/** What one connection leaves open, another one to the same gateway may tell. */
function comparedAtEach(ways: readonly CheckedWay[]): readonly CheckedWay[] {
  return ways.map((way) => {
    const { ip, port } = way;
    const isAccepted = ways.some((one) => one.ip === ip && one.port === port && one.verdicts.length === 0);
    return { ...way, verdicts: way.verdicts.map((verdict) => endedLater(verdict, isAccepted)) };
  });
}

/** Server names are those of the egress gateway's clusters: one for HTTP, one for each TCP import. */
function usesOf({ peer, imports }: CheckInput): readonly Use[] {
  const tcp = new Set(imports.filter(({ protocol }) => protocol === 'tcp').map(({ name }) => name));
  const http: Use = { serverName: peer.outboundServerName, alpn: names.HTTP_ALPN };
  const isHttpUsed = tcp.size === 0 || imports.some(({ protocol }) => protocol !== 'tcp');
  return [
    ...(isHttpUsed ? [http] : []),
    ...[...tcp].map((name) => ({
      tcpImport: name,
      serverName: tcpServerName(name, peer.outboundServerName),
      alpn: names.TCP_ALPN,
    })),
  ];
}

/** All addresses of the family that Envoy uses (V4_PREFERRED), or the resolver's code. */
async function addressesOf(host: string): Promise<readonly string[] | string> {
  if (isIP(host) !== 0) return [host];
  try {
    const all = await lookup(host, { all: true });
    const v4 = all.filter(({ family }) => family === 4);
    return (v4.length > 0 ? v4 : all).map(({ address }) => address);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

function unresolved(host: string, code: string): Verdict {
  return {
    refusedBy: 'nobody',
    reason: 'NAME_UNRESOLVED',
    text: `the name ${host} does not resolve on this machine (${code})`,
    remedy: 'correct the address, or the DNS of this machine and of the egress gateway, which resolves it by itself',
  };
}

/** The HTTP/2 connection preface with empty SETTINGS (RFC 9113, section 3.4): an ingress gateway answers with its own. */
const PREFACE = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);

async function checkWay(
  input: CheckInput,
  { host, port, ip }: HostPort & { readonly ip: string },
  use: Use,
): Promise<CheckedWay> {
  const { peer, ours, ourDomain } = input;
  const isTcp = use.tcpImport !== undefined;
  const context: Context = {
    ...{ peer, ourDomain, serverName: use.serverName, alpn: use.alpn, now: Date.now() },
    ours: ours.facts,
    ...(use.tcpImport !== undefined && { tcpImport: use.tcpImport }),
    ...(ours.anchor && { ourAnchor: ours.anchor }),
  };
  const wanted = dialOf(input, { ip, port }, use);
  const seen = await withEveryKey(await dial(wanted, (shown) => whatWeRefuse(shown, context).length === 0), wanted);
  const [leaf] = seen.shown?.chain ?? [];
  const theirRefusal = whatThePeerRefuses(seen, context);
  const isAnswered = seen.phase === 'after handshake';
  const verdicts = [
    ...(isAnswered && seen.shown !== undefined ? whatWeRefuse(seen.shown, context) : []),
    ...(theirRefusal === undefined ? [] : [theirRefusal]),
  ];
  const way = { host, port, ip, ...use, ...(leaf !== undefined && { theirs: factsOf(leaf) }) };
  if (isTcp || verdicts.length > 0) return { ...way, verdicts };
  const status = await healthOf(wanted, names.healthAuthority(peer.trustDomain), names.HEALTH_PATH);
  return { ...way, ...(status !== undefined && { status }), verdicts: status === 200 ? [] : [unhealthy(status)] };
}

export function dialOf(
  { peer, source, ours }: CheckInput,
  { ip, port }: { readonly ip: string; readonly port: number },
  { serverName, alpn, tcpImport }: Use,
): Dial {
  return {
    ...{ ip, port, serverName, alpn, bundle: peer.bundle.pem, ours },
    signatureAlgorithms: signatureAlgorithms(peer.leafKeys, source),
    firstBytes: tcpImport === undefined ? PREFACE : Buffer.alloc(0),
  };
}

/** A gateway without a certificate that our file accepts shows none: what it has is seen when every kind is offered. */
async function withEveryKey(seen: Seen, wanted: Dial): Promise<Seen> {
  if (seen.phase !== 'handshake' || seen.end.kind !== 'alert') return seen;
  const all = ALGORITHMS.flatMap(([, algorithms]) => algorithms);
  const { shown } = await dial({ ...wanted, signatureAlgorithms: all, firstBytes: Buffer.alloc(0) }, () => false);
  return shown === undefined ? seen : { ...seen, shown };
}

function unhealthy(status: number | undefined): Verdict {
  return {
    refusedBy: status === undefined ? 'nobody' : 'peer',
    reason: 'UNHEALTHY',
    text:
      status === undefined
        ? 'the handshake is done, and the health check has no answer: none within five seconds, or the peer ended it'
        : `the handshake is done, and the health check is answered with ${status} instead of 200`,
    remedy:
      status === 503
        ? 'the peer’s gateway drains or was taken out of service: its operators know'
        : 'the peer compares its file with ours: its gateway admits us, and its routes do not',
  };
}
