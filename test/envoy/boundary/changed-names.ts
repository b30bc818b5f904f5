// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of compiled files
// Names, configuration sources and limits of the builders, each changed.
// Must not: have a change that no boundary rule finds (builder-constants.test.ts tries each).

import { type Change, change } from './changed-figures.ts';

export const NAMES: readonly Change[] = [
  change('resource-names', "INGRESS_LISTENER = 'ingress'", "INGRESS_LISTENER = 'inbound'", 'ingress', 'KNOWN_NAME'),
  change('resource-names', "PEER_HEADER = 'x-postern-peer'", "PEER_HEADER = 'x-peer'", 'ingress', 'PEER_HEADER'),
  change('resource-names', "DENY_ALL = 'deny-all'", "DENY_ALL = 'everything'", 'ingress', 'DENY_ALL'),
  change('resource-names', "ALPN = 'h2'", "ALPN = 'http/1.1'", 'ingress', 'CHAIN_MATCH'),
  change('resource-names', "ALPN = 'h2'", "ALPN = 'http/1.1'", 'egress', 'HTTP2_ONLY'),
  change('resource-names', "ALPN = 'postern-tcp'", "ALPN = 'h2'", 'ingress', 'CHAIN_MATCH'),
  change('resource-names', "ALPN = 'postern-tcp'", "ALPN = 'h2'", 'egress', 'TCP_ONLY'),
  change('resource-names', "IDENTITY_STATE = 'postern.identity'", "IDENTITY_STATE = 'postern.peer'", 'ingress', 'GATE'),
  change(
    'resource-names',
    'return `gate/${labelOf(peer)}',
    'return `gate/${peer.name}',
    'ingress',
    'FIXED_DESTINATION',
  ),
  change('limits', "age: '3600s'", "age: '86400s'", 'ingress', 'CONNECTION_AGE'),
  change('resource-names', '`${name}@${key}`', '`${name}@`', 'ingress', 'KNOWN_NAME'),
  change(
    'resource-names',
    'return `ingress/${labelOf(peer)}`',
    'return `ingress/${peer.name}`',
    'ingress',
    'KNOWN_NAME',
  ),
  change(
    'resource-names',
    'return `export/${peer.name}@${peer.domainKey}/${exported.name}@${exported.key}`',
    'return `export/${peer.name}@${peer.domainKey}/${exported.name}@${peer.domainKey}`',
    'ingress',
    'MEANING',
  ),
  change(
    'resource-names',
    'return `import/${labelOf(peer)}`',
    'return `import/${peer.name}`',
    'egress',
    'FIXED_DESTINATION',
  ),
  change('resource-names', 'return `dial/${labelOf(peer)}`', 'return `dial/${peer.name}`', 'egress', 'KNOWN_NAME'),
  change('resource-names', 'return `bundle/${labelOf(peer)}`', 'return `bundle/${peer.name}`', 'ingress', 'KNOWN_NAME'),
  change('config-source', 'ads: {}', "path_config_source: { path: '/tmp/secrets' }", 'egress', 'OWN_BUNDLE'),
  change('config-source', 'ads: {}', "path_config_source: { path: '/tmp/secrets' }", 'ingress', 'BACKEND_TRUST'),
  change('limits', "MAX_CONNECTION_AGE = '3700s'", "MAX_CONNECTION_AGE = '0s'", 'egress', 'CONNECTION_AGE'),
  change('resource-names', "'x-postern-workload'", "'x-workload'", 'ingress', 'PEER_HEADER'),
  change('limits', 'allow_connect: false', 'allow_connect: true', 'egress', 'CLEAN_REQUESTS'),
  change('resource-names', '.consumers.${peer}', '.consumers.any', 'ingress', 'POLICY'),
];
