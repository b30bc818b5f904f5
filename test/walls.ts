// The walls between the folders of src/, as data: architecture.test.ts holds them, architecture-picture.ts draws them.

/** Which folders of src/ a folder may import from: the lines of the picture in ARCHITECTURE.md. */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  config: [],
  trust: ['config'],
  federation: ['config', 'trust'],
  envoy: ['trust', 'federation'],
  snapshot: [],
  pipeline: ['config', 'trust', 'federation', 'envoy', 'snapshot'],
  xds: ['trust', 'snapshot'],
  telemetry: ['xds'],
  serving: ['snapshot', 'xds', 'telemetry'],
  admin: ['xds'],
  runtime: ['config', 'trust', 'federation', 'envoy', 'pipeline', 'xds', 'telemetry', 'serving', 'admin'],
  cli: ['config', 'trust', 'federation', 'envoy', 'snapshot', 'pipeline', 'admin', 'runtime'],
};
/** The rooms of a folder; each imports only from those before it. A folder that is not here has no rooms. */
export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  config: ['config/schema/values', 'config/schema', 'config/yaml', 'config/checks', 'config', 'config/files'],
  trust: ['trust/x509', 'trust/keys', 'trust', 'trust/issuing'],
  federation: ['federation', 'federation/rules', 'federation/resolve', 'federation/transition'],
  envoy: [
    'envoy/proto',
    'envoy',
    'envoy/http/access-control',
    'envoy/http/headers',
    'envoy/http',
    'envoy/resources/tls',
    'envoy/resources/tcp',
    'envoy/resources',
    'envoy/boundary',
    'envoy/boundary/shapes',
    'envoy/boundary/shapes/http',
    'envoy/boundary/shapes/resources',
    'envoy/boundary/checks/tls',
    'envoy/boundary/checks/http',
    'envoy/boundary/checks/tcp',
    'envoy/boundary/checks',
  ],
  xds: [
    'xds',
    'xds/wire',
    'xds/limits',
    'xds/subscription',
    'xds/responses',
    'xds/protocol',
    'xds/admission',
    'xds/streams',
    'xds/transport',
  ],
  cli: ['cli', 'cli/peer-check', 'cli/commands'],
};
