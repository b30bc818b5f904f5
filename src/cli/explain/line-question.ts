// What a line of the log says happened, as questions to the resources: the same caller and the same request.
// Must not: add a fact that the line does not have, but what every honest client has (decision/tls/honest-client.ts).

import type { Hello, Question, Request } from '../../decision/answer/question.ts';
import { claimHeader, peerHello, workloadHello } from '../../decision/tls/honest-client.ts';
import { HTTP_ALPN, TCP_ALPN } from '../../envoy/resource-names.ts';
import { exportAuthority } from '../../federation/wire-names.ts';
import type { TrustDomain } from '../../trust/spiffe.ts';
import type { Served } from '../questions/served.ts';
import { hasVersion, lineImports } from './line-imports.ts';
import type { LogLine } from './log-line.ts';

/** More than one where the line leaves open at which port of the egress it was; none where it does not say enough. */
export function lineQuestions(line: LogLine, served: Served): readonly Question[] {
  switch (line.layer) {
    case 'http':
      return line.role === 'ingress' ? peerRequest(line, served) : localRequests(line, served);
    case 'tcp':
      return line.role === 'ingress' ? peerConnection(line, served) : localConnections(line, served);
    case 'listener':
      return line.role === 'ingress' ? peerHandshake(line, served) : localHandshakes(line, served);
    case 'tunnel':
      // The way to a peer is decided by what its gateway shows, which no line has in full.
      return [];
  }
}

function peerRequest(line: LogLine, { resources, trustDomain }: Served): readonly Question[] {
  const { fields, at } = line;
  const { peer = '', export: exported, peer_uri: identity } = fields;
  const hello = peerHello(resources, peer, at);
  const authority =
    fields['authority'] ?? (exported === undefined ? undefined : exportAuthority(exported, trustDomain as TrustDomain));
  if (hello === undefined || authority === undefined) return [];
  return [{ hello: showing(hello, identity), request: requestOf(line, authority, 'h2'), at }];
}

function localRequests(line: LogLine, served: Served): readonly Question[] {
  const { resources, names } = served;
  const { fields, reason, at } = line;
  const { peer_uri: workload, authority } = fields;
  const all = names.imports.filter(({ protocol }) => protocol !== 'tcp');
  const found = reason === 'UNKNOWN_NAME' ? all : lineImports(line, served);
  const ports = [...new Map(found.map((one) => [one.port, one.as]))];
  return ports.map(([port, as]) => {
    const hello = workloadHello(resources, port, workload, 'http/1.1', at);
    return { port, at, ...(hello && { hello }), request: requestOf(line, authority ?? as, 'http/1.1') };
  });
}

function requestOf({ fields, reason }: LogLine, authority: string, protocol: Request['protocol']): Request {
  const { method = '', path = '/', workload, peer_uri: identity = '', rx = '0' } = fields;
  const bytes = Math.max(Number(rx) || 0, reason === 'UNEXPECTED_BODY' ? 1 : 0);
  return {
    protocol,
    method,
    authority,
    path,
    headers: workload === undefined || protocol !== 'h2' ? [] : [claimHeader(identity, workload)],
    ...(bytes > 0 && { body: { bytes, hasLength: true } }),
  };
}

function peerConnection({ fields, at }: LogLine, { resources }: Served): readonly Question[] {
  const { peer = '', export: exported, peer_uri: identity } = fields;
  const hello = peerHello(resources, peer, at, exported);
  return hello === undefined ? [] : [{ hello: showing(hello, identity), at }];
}

function localConnections(line: LogLine, served: Served): readonly Question[] {
  const { at, fields } = line;
  return lineImports(line, served).map(({ port }) => {
    const hello = workloadHello(served.resources, port, fields['peer_uri'], 'tcp', at);
    return { port, at, ...(hello && { hello }) };
  });
}

/** The certificate is taken to be good but for what the reason says. */
function peerHandshake({ fields, reason, at }: LogLine, { resources }: Served): readonly Question[] {
  const { sni, peer, claimed_uri: claimed, peer_uri: identity } = fields;
  const alpn = [sni?.includes('.tcp.') ? TCP_ALPN : HTTP_ALPN];
  const alone = { at, isConnectionAlone: true } as const;
  // No line has the ALPN: a client may have offered none, so that no filter chain takes it with a server name that is right.
  if (reason === 'UNKNOWN_SERVER_NAME')
    return [alpn, []].map((offered) => ({
      ...alone,
      hello: { alpn: offered, ...(sni !== undefined && { serverName: sni }) },
    }));
  const hello = peer === undefined ? undefined : peerHello(resources, peer, at);
  if (hello === undefined) return [];
  const { certificate, ...bare } = showing(hello, claimed ?? identity);
  const shown = certificate !== undefined && reason !== 'NO_CERTIFICATE' && { certificate };
  const asked = { ...bare, ...shown, alpn, ...(sni !== undefined && { serverName: sni }) };
  // The limit of a TCP consumer is that of the connections to its gate, which lies after the handshake.
  return [reason === 'CONNECTION_LIMIT' && alpn.includes(TCP_ALPN) ? { at, hello: asked } : { ...alone, hello: asked }];
}

/** A line of a connection does not say at which port it was. */
function localHandshakes(line: LogLine, { resources, names }: Served): readonly Question[] {
  const { fields, reason, at } = line;
  const workload = fields['claimed_uri'] ?? fields['peer_uri'];
  if (reason === 'CONNECTION_LIMIT') return limitedConnections(line, { resources, names }, workload);
  if (workload === undefined && reason !== 'NO_CERTIFICATE') return [];
  return [...new Set(names.imports.map(({ port }) => port))].flatMap((port) => {
    const hello = workloadHello(resources, port, undefined, 'http/1.1', at);
    if (hello === undefined) return [];
    const shown = workload === undefined ? hello : workloadHello(resources, port, workload, 'http/1.1', at);
    return shown === undefined ? [] : [{ port, at, isConnectionAlone: true, hello: showing(shown, workload) } as const];
  });
}

/** Only TCP imports have a limit there: all of them, unless the version of the filter chain says which it was. */
function limitedConnections(
  { fields, at }: LogLine,
  { resources, names }: Pick<Served, 'resources' | 'names'>,
  workload: string | undefined,
): readonly Question[] {
  const tcp = names.imports.filter(({ protocol }) => protocol === 'tcp');
  const ofVersion = tcp.filter(hasVersion(fields['version'], resources));
  return (ofVersion.length > 0 ? ofVersion : tcp).map(({ port }) => {
    const hello = workloadHello(resources, port, workload, 'tcp', at);
    return { port, at, ...(hello && { hello: showing(hello, workload) }) };
  });
}

function showing(hello: Hello, identity: string | undefined): Hello {
  const { certificate } = hello;
  // Envoy joins several names of one certificate by commas.
  return certificate === undefined || identity === undefined
    ? hello
    : { ...hello, certificate: { ...certificate, uris: identity.split(',') } };
}
