// `postern peer show`: prints what a peer needs to know about our mesh, as an entry of `peers:` in YAML, as JSON, or as PEM.
// Must not: print a key, a backend, or what concerns another peer.

import { stringify } from 'yaml';
import { EXIT, PosternError } from '../../errors.ts';
import { type OfferedExport, type PeerSheet, peerSheet } from '../../federation/resolve/peer-sheet.ts';
import { RejectedConfig } from '../../pipeline/rejected-config.ts';
import { outputFormat, type Run, required } from '../command.ts';
import { readConfiguration } from '../configuration.ts';

export const peerShow: Run = async (invocation) => {
  const output = outputFormat(invocation, ['yaml', 'json', 'pem'] as const, 'yaml');
  const file = required(invocation, 'file');
  const { loaded, resolved, diagnostics } = await readConfiguration(file, Date.now());
  const { config } = loaded.parsed;
  if (resolved === undefined || config === undefined) throw new RejectedConfig(diagnostics);
  const to = invocation.flag('to');
  const sheet = peerSheet(config, resolved, to);
  if (sheet === undefined)
    throw new PosternError('USAGE', `${file} has no peer ${to}; ${invocation.named('to')} takes a key of peers`);
  if (output === 'pem' && sheet.trustBundle === undefined)
    throw new PosternError('USAGE', `${file} has identity.files: only you know which CA signs those certificates`);
  switch (output) {
    case 'pem':
      invocation.stdout(sheet.trustBundle?.pem ?? '');
      break;
    case 'json':
      invocation.stdout(`${JSON.stringify(sheet, null, 2)}\n`);
      break;
    case 'yaml':
      invocation.stdout(yamlOf(sheet));
  }
  return EXIT.ok;
};

function yamlOf(sheet: PeerSheet): string {
  const { mesh, trustDomain, trustBundle, gatewayIdentities, addresses, to } = sheet;
  const bundleFile = `${mesh}-ca.pem`;
  const entry = {
    trustDomain,
    trustBundle: bundleFile,
    gatewayIdentities,
    ...(addresses.length > 0 && { addresses }),
    ...(to?.sni !== undefined && { sni: to.sni }),
  };
  return [
    ...comment([
      `The mesh ${mesh}, for the file of ${to === undefined ? 'a peer' : `the peer ${to.peer} (${to.trustDomain})`}.`,
      ...(trustBundle === undefined
        ? [`Write the CA that signs the gateways of ${mesh} to ${bundleFile}, beside your file.`]
        : [
            `Write the certificate at the end to ${bundleFile}, beside your file, and compare its fingerprint by another way:`,
            `SHA-256 ${trustBundle.fingerprint}, valid until ${trustBundle.notAfter}`,
          ]),
      ...(addresses.length > 0
        ? []
        : ['There is no address to dial: set gateways.ingress.advertise, or do not import.']),
    ]),
    stringify({ peers: { [mesh]: entry } }).trimEnd(),
    ...(to === undefined ? [] : comment(['', ...contractOf(sheet, to)])),
    ...(trustBundle === undefined ? [] : comment(['', ...trustBundle.pem.trimEnd().split('\n')])),
    '',
  ].join('\n');
}

function contractOf({ mesh }: PeerSheet, { serverNames, exports }: NonNullable<PeerSheet['to']>): readonly string[] {
  return [
    `Server name (SNI) of calls to ${mesh}: ${serverNames.inbound}`,
    `Server name (SNI) of calls from ${mesh}: ${serverNames.outbound}`,
    ...(exports.length === 0
      ? ['Nothing is granted now.']
      : ['Granted now; `as` and `port` are yours to choose:', 'imports:']),
    ...exports.flatMap((offered) => importLines(mesh, offered)),
  ];
}

function importLines(mesh: string, offered: OfferedExport): readonly string[] {
  const { name, protocol, expires } = offered;
  const upgrades = offered.protocol === 'tcp' ? [] : offered.upgrades;
  const kind =
    (protocol === 'http' ? '' : `, protocol: ${protocol}`) +
    (upgrades.length === 0 ? '' : `, upgrades: [${upgrades.join(', ')}]`);
  const rules =
    offered.protocol === 'tcp'
      ? ['  # everything, on TCP connections']
      : offered.allow.map(
          ({ methods, paths, workloads = [] }) =>
            `  # ${methods.join(', ')} ${paths.join(', ')}${workloads.length === 0 ? '' : `, for ${workloads.join(', ')}`}`,
        );
  return [
    `- {peer: ${mesh}, name: ${name}, as: ${name}.local, port: ${protocol === 'tcp' ? 'PORT' : 8080}${kind}}`,
    `  # ${contractName(offered)}${expires === undefined ? '' : `, until the end of ${expires} (UTC)`}`,
    ...rules,
  ];
}

function contractName(offered: OfferedExport): string {
  return offered.protocol === 'tcp' ? offered.serverName : offered.authority;
}

function comment(lines: readonly string[]): readonly string[] {
  return lines.map((line) => `# ${line}`.trimEnd());
}
