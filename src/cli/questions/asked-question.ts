// The words of `postern can` as a question to one gateway.
// Must not: take a name that the configuration does not have for one that is refused.

import type { ServedNames } from '../../admin/resources-view.ts';
import type { Hello, Question, Request, ShownCertificate } from '../../decision/answer/question.ts';
import { claimHeader, hasName, peerHello, workloadHello } from '../../decision/tls/honest-client.ts';
import { TCP_ALPN } from '../../envoy/resource-names.ts';
import { PosternError } from '../../errors.ts';
import { exportAuthority, tcpServerName } from '../../federation/wire-names.ts';
import { nearestName } from '../../nearest-name.ts';
import { oneLine } from '../../one-line.ts';
import { parseSpiffeId, spiffeId, type TrustDomain } from '../../trust/spiffe.ts';
import type { Invocation } from '../command.ts';
import type { Served, ServedBy } from './served.ts';
import { shownCertificate } from './shown-file.ts';

export interface AskedQuestion {
  /** In the words of the command line. */
  readonly text: string;
  readonly served: Served;
  readonly question: Question;
  /** The peer that asks, where it has no filter chain. */
  readonly denied?: string;
  /** Of a question about a peer of ours. */
  readonly exported?: ServedNames['exports'][number] & { readonly peer: string };
}

/** Errors: USAGE for a name that the configuration does not have. */
export async function askedQuestion(invocation: Invocation, servedBy: ServedBy): Promise<AskedQuestion> {
  const [subject = '', ...words] = invocation.positionals;
  const at = momentFlag(invocation);
  const protocol = httpVersion(invocation);
  const isOwn = subject === 'anyone' || subject.startsWith('spiffe://') || /^[^:]+\//.test(subject);
  const gateway = isOwn ? 'egress' : 'ingress';
  // A process answers for what it serves now, a file for what it would allow at that time.
  const served = await servedBy(gateway, isForFile(invocation) ? { at } : {});
  const [shown, peerGateway] = [await fileOf(invocation, 'certificate'), await fileOf(invocation, 'peer-certificate')];
  if (peerGateway !== undefined && !isOwn)
    throw usage(`${invocation.named('peer-certificate')} goes with a workload of ours: our ingress dials no peer`);
  const asking = { invocation, served, subject, words, at, protocol, shown, peerGateway };
  return isOwn ? ofWorkload(asking) : ofPeer(asking);
}

async function fileOf(invocation: Invocation, flag: string): Promise<ShownCertificate | undefined> {
  const file = invocation.flag(flag);
  return file === undefined ? undefined : await shownCertificate(file, invocation.named(flag));
}

interface Asking {
  readonly invocation: Invocation;
  readonly served: Served;
  readonly subject: string;
  readonly words: readonly string[];
  readonly at: number;
  /** That our own callers speak. */
  readonly protocol: Request['protocol'];
  /** What the caller shows in the place of an honest certificate. */
  readonly shown: ShownCertificate | undefined;
  /** What the gateway of the peer shows to our egress. */
  readonly peerGateway: ShownCertificate | undefined;
}

/** The hello of an honest client, with the certificate that is asked about. */
function showing<H extends Hello | undefined>(hello: H, shown: ShownCertificate | undefined): H | Hello {
  return hello === undefined || shown === undefined ? hello : { ...hello, certificate: shown };
}

function isForFile({ flag }: Invocation): boolean {
  return flag('file') !== undefined && flag('at') !== undefined;
}

function ofPeer({ invocation, served, subject, words, at, shown }: Asking): AskedQuestion {
  const [, name = '', workload] = /^([^:]*)(?::(.*))?$/.exec(subject) ?? [];
  const peer = served.names.peers.find((one) => one.name === name);
  if (peer === undefined)
    throw unknownName(
      'peer',
      name,
      served.names.peers.map((one) => one.name),
      served.file,
    );
  const { exported, method, path } = exportIn(words, served.names, served);
  if (method !== undefined) checkMethod(method);
  const isTcp = exported.protocol === 'tcp';
  if (isTcp && method !== undefined)
    throw usage(`${exported.name} is TCP: ask without a method, postern can ${subject} ${exported.name}`);
  if (!isTcp && method === undefined)
    throw usage(`${exported.name} is HTTP: ask with a method, postern can ${subject} GET ${exported.name} /path`);
  const hello = showing(peerHello(served.resources, name, at, isTcp ? exported.name : undefined), shown);
  const known = hello ?? { alpn: [] };
  const text = askedText(invocation, shown);
  // Without a grant of TCP there is no filter chain for it, which is the answer; without any, the peer is denied.
  const denied = peerHello(served.resources, name, at) === undefined && { denied: name };
  if (method !== undefined && path === undefined)
    throw usage(`${exported.name} is HTTP: ask with a path, postern can ${subject} ${method} ${exported.name} /path`);
  if (method === undefined || path === undefined) {
    const { serverName = '', ...http } = showing(peerHello(served.resources, name, at), shown) ?? { alpn: [] };
    const missing: Hello = { ...http, alpn: [TCP_ALPN], serverName: tcpServerName(exported.name, serverName) };
    return {
      text,
      served,
      exported: { ...exported, peer: name },
      question: { hello: hello ?? missing, at },
      ...denied,
    };
  }
  const gatewayIdentity = known.certificate?.uris[0] ?? '';
  const claim =
    workload === undefined ? [] : [claimHeader(gatewayIdentity, workloadId(workload, peer.trustDomain as TrustDomain))];
  const authority = invocation.flag('host') ?? exportAuthority(exported.name, served.trustDomain as TrustDomain);
  const request = requestOf(invocation, { method, authority, path, protocol: 'h2', claim });
  return {
    text,
    served,
    exported: { ...exported, peer: name },
    question: { hello: known, request, at },
    ...denied,
  };
}

function ofWorkload({ invocation, served, subject, words, at, protocol, shown, peerGateway }: Asking): AskedQuestion {
  const workload = subject === 'anyone' ? undefined : workloadId(subject, served.trustDomain as TrustDomain);
  const [first = '', second, path] = words;
  const [method, target] = second === undefined ? [undefined, first] : [first, second];
  const { name, port, isTcp } = importAt(target, served);
  if (method !== undefined) checkMethod(method);
  if (isTcp && method !== undefined)
    throw usage(`${name} is TCP: ask without a method, postern can ${subject} ${name}:${port}`);
  if (!isTcp && method === undefined)
    throw usage(`${name} is HTTP: ask with a method, postern can ${subject} GET ${name}:${port} /path`);
  if (method !== undefined && path === undefined)
    throw usage(`${name} is HTTP: ask with a path, postern can ${subject} ${method} ${name}:${port} /path`);
  const hello = showing(workloadHello(served.resources, port, workload, isTcp ? 'tcp' : protocol, at), shown);
  if (hello === undefined && shown !== undefined)
    throw usage(`${invocation.named('certificate')}: callers speak no TLS at port ${port} (clients: plaintext)`);
  if (shown !== undefined && workload !== undefined) checkSubject(invocation, subject, workload, shown);
  const asked = { port, at, ...(hello && { hello }), ...(peerGateway && { peerGateway }) };
  const text = askedText(invocation, shown);
  if (method === undefined || path === undefined) return { text, served, question: asked };
  const request = requestOf(invocation, {
    method,
    authority: invocation.flag('host') ?? name,
    path,
    protocol,
    claim: [],
  });
  return { text, served, question: { ...asked, request } };
}

/** Says whose certificate the answer is about, whatever subject the question names. */
function askedText({ positionals }: Invocation, shown: ShownCertificate | undefined): string {
  const asked = positionals.join(' ');
  if (shown === undefined) return asked;
  return `${asked}, with the certificate of ${shown.uris.join(' and ') || 'nobody (it has no URI name)'}`;
}

/** The two would say different callers; a certificate without an identity is refused anyway. */
function checkSubject(
  { flag, named }: Invocation,
  subject: string,
  workload: string,
  { uris }: ShownCertificate,
): void {
  if (uris.length === 0 || uris.includes(workload)) return;
  const whose = uris.join(' and ');
  const hint = `ask about ${uris[0]}, or about anyone, for any caller that shows it`;
  throw usage(
    oneLine(
      `${named('certificate')} ${flag('certificate')} is the certificate of ${whose}, not of ${subject}; ${hint}`,
    ),
  );
}

function exportIn(
  words: readonly string[],
  { exports }: ServedNames,
  served: Served,
): { readonly exported: ServedNames['exports'][number]; readonly method?: string; readonly path?: string } {
  const [first = '', second, path] = words;
  const name = second ?? first;
  const exported = exports.find((one) => one.name === name);
  if (exported === undefined)
    throw unknownName(
      'export',
      name,
      exports.map((one) => one.name),
      served.file,
    );
  return { exported, ...(path !== undefined && { path }), ...(second !== undefined && { method: first }) };
}

/** Methods have capitals and small letters of their own: `get` is another method, which no rule has. */
function checkMethod(method: string): void {
  if (/[a-z]/.test(method)) throw usage(`${method} is no method: write ${method.toUpperCase()}, in capitals`);
}

/** NAME or NAME:PORT; without a port, the name has to have one alone. */
function importAt(
  target: string,
  served: Served,
): { readonly name: string; readonly port: number; readonly isTcp: boolean } {
  const [, name = '', digits] = /^(.*?)(?::(\d+))?$/.exec(target) ?? [];
  const { imports } = served.names;
  const ports = [...new Set(imports.map(({ port }) => port))].filter(
    (port) => digits === undefined || port === Number(digits),
  );
  const found = ports.flatMap((port) => {
    const tcp = imports.find((one) => one.port === port && one.protocol === 'tcp' && (one.as === name || name === ''));
    if (tcp !== undefined) return [{ name, port, isTcp: true }];
    return hasName(served.resources, port, name) ? [{ name, port, isTcp: false }] : [];
  });
  const [one, ...others] = found;
  const known = imports.map(({ as, port }) => `${as}:${port}`);
  if (one === undefined) throw unknownName('import', target, known, served.file);
  if (others.length > 0)
    throw usage(`${name} has several ports: ${found.map(({ port }) => `${name}:${port}`).join(', ')}`);
  return one;
}

function httpVersion(invocation: Invocation): Request['protocol'] {
  const version = invocation.flag('http');
  if (version === '2') return 'h2';
  if (version === '1.1') return 'http/1.1';
  throw usage(`${invocation.named('http')} takes 1.1 or 2, not ${version}`);
}

function workloadId(text: string, trustDomain: TrustDomain): string {
  const whole = parseSpiffeId(text);
  if (whole !== undefined) return whole;
  try {
    return spiffeId(trustDomain, text);
  } catch {
    throw usage(`${text} is no workload: write a path such as ns/shop/sa/checkout, or a SPIFFE ID`);
  }
}

function requestOf(
  invocation: Invocation,
  {
    claim,
    ...asked
  }: Pick<Request, 'method' | 'authority' | 'path' | 'protocol'> & { readonly claim: Request['headers'] },
): Request {
  const [body, upgrade] = [invocation.flag('body'), invocation.flag('upgrade')];
  if (body !== undefined && !/^\d{1,12}$/.test(body))
    throw usage(`${invocation.named('body')} takes a number of bytes, not ${body}`);
  return {
    ...asked,
    headers: [...claim, ...invocation.flags('header').map(headerOf)],
    ...(body !== undefined && { body: { bytes: Number(body), hasLength: true } }),
    ...(upgrade !== undefined && { upgrade }),
  };
}

function headerOf(text: string): readonly [string, string] {
  const [, name, value = ''] = /^([!#$%&'*+.^_`|~\w-]+): ?(.*)$/.exec(text) ?? [];
  if (name === undefined) throw usage(`--header takes "NAME: VALUE", not ${text}`);
  return [name, value];
}

/** A date, or a time; now unless said otherwise. */
function momentFlag(invocation: Invocation): number {
  const text = invocation.flag('at');
  const at = text === undefined ? Date.now() : Date.parse(text);
  if (Number.isNaN(at)) throw usage(`${invocation.named('at')} takes a time such as 2027-03-31T12:00:00Z, not ${text}`);
  return at;
}

export function unknownName(what: string, name: string, known: readonly string[], file: string): PosternError {
  const near = nearestName(name, known);
  const hint = near === undefined ? listed(known) : `did you mean ${near}?`;
  return usage(`${file} has no ${what} ${name}; ${hint}`);
}

function listed(known: readonly string[]): string {
  return known.length === 0
    ? 'it has none'
    : `it has ${known.slice(0, 5).join(', ')}${known.length > 5 ? ' and others' : ''}`;
}

function usage(message: string): PosternError {
  return new PosternError('USAGE', message);
}
