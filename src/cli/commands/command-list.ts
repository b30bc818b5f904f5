// Every command with its flags, examples and exit statuses: the one list for main.ts, the reference and the tests.
// Must not: import what a command runs with; `load` does that when the command runs.

import { type Command, LOG_LEVELS } from '../command.ts';
import {
  ADMIN,
  ENVOY_ADMIN,
  FILE,
  FILE_OR_STDIN,
  GROUP_KEYS,
  OUT,
  outputFlag,
  REQUIRE_END,
  REQUIRE_STATE,
  STATE,
  WITHOUT_KEYS,
  XDS,
} from '../flag-list.ts';
import { EXPLAIN } from './questions/explain-command.ts';
import { QUESTIONS } from './questions/question-list.ts';

export const COMMANDS: readonly Command[] = [
  {
    name: 'run',
    summary: 'Run the control plane. It reloads on file changes and SIGHUP, and drains on SIGTERM.',
    flags: [
      FILE,
      STATE,
      REQUIRE_STATE,
      GROUP_KEYS,
      REQUIRE_END,
      { name: 'xds', value: 'HOST:PORT', summary: 'Listen for gateways here (mutual TLS).', default: XDS },
      { name: 'admin', value: 'HOST:PORT', summary: 'Serve /status, /metrics and probes here.', default: ADMIN },
      {
        name: 'insecure-xds',
        summary: 'Serve xDS in plaintext on loopback, without client authentication (benchmarks only).',
      },
      {
        name: 'warm-up',
        value: 'MS',
        summary: 'Exercise the code for MS milliseconds before gateways may connect; 0 skips that.',
        default: '800',
      },
      {
        name: 'workers',
        value: 'N',
        summary: 'Serve gateways with N processes; with more than 1, this one only decides what they serve.',
        default: '1',
      },
      { name: 'log-level', value: LOG_LEVELS.join('|'), summary: 'Log this level and above.', default: 'info' },
    ],
    examples: ['postern run -f mesh.yaml', 'postern run -f mesh.yaml --xds 0.0.0.0:18000 --require-state'],
    exits: ['ok', 'failed', 'usage', 'badConfig'],
    load: async () => (await import('./run.ts')).run,
  },
  {
    name: 'validate',
    positionals: ['[FILE...]'],
    summary: 'Check configuration files without a running control plane.',
    flags: [
      { ...FILE, summary: 'Check FILE; - is standard input. May be repeated.', required: false, multiple: true },
      WITHOUT_KEYS,
      GROUP_KEYS,
      REQUIRE_END,
      outputFlag(
        'text|json|github|gitlab',
        'text',
        'Print in this format; github and gitlab are what these code hosts show beside the lines.',
      ),
    ],
    examples: [
      'postern validate -f mesh.yaml',
      'postern validate --without-keys -o github meshes/*.yaml',
      'git show HEAD:mesh.yaml | postern validate -f -',
    ],
    exits: ['ok', 'failed', 'usage', 'badConfig', 'findings'],
    load: async () => (await import('./validate.ts')).validate,
  },
  {
    name: 'translate',
    summary: 'Print the Envoy resources of a configuration, secrets redacted.',
    flags: [
      FILE_OR_STDIN,
      { name: 'gateway', value: 'ingress|egress', summary: 'Print only the resources of this gateway.' },
      WITHOUT_KEYS,
      outputFlag('json|yaml', 'json'),
    ],
    examples: [
      'postern translate -f mesh.yaml --gateway ingress -o yaml',
      'diff <(git show HEAD:mesh.yaml | postern translate -f -) <(postern translate -f mesh.yaml)',
    ],
    exits: ['ok', 'failed', 'usage', 'badConfig'],
    load: async () => (await import('./translate.ts')).translate,
  },
  {
    name: 'certs gateway',
    positionals: ['ingress|egress'],
    summary: 'Write the client certificate with which a gateway connects to the control plane.',
    flags: [
      FILE,
      OUT,
      STATE,
      REQUIRE_STATE,
      GROUP_KEYS,
      {
        name: 'mount',
        value: 'PATH',
        summary: 'Name the files as the gateway will see them, below PATH; without it, below DIR.',
      },
    ],
    examples: [
      'postern certs gateway ingress -f mesh.yaml --out certs/ingress',
      'postern certs gateway egress -f mesh.yaml --out out --mount /etc/gateway/certs',
    ],
    exits: ['ok', 'failed', 'usage', 'badConfig'],
    load: async () => (await import('./certs.ts')).certsGateway,
  },
  {
    name: 'certs dev',
    summary: 'Write a throw-away CA for a trial.',
    flags: [
      { name: 'trust-domain', value: 'D', summary: 'Make the CA for this trust domain.', required: true },
      OUT,
      { name: 'force', summary: 'Overwrite an existing CA.' },
    ],
    examples: ['postern certs dev --trust-domain east.example --out pki/east'],
    exits: ['ok', 'failed', 'usage'],
    load: async () => (await import('./certs.ts')).certsDev,
  },
  {
    name: 'bootstrap',
    positionals: ['ingress|egress'],
    summary: 'Print the Envoy bootstrap of a gateway; its first comment says how to start Envoy.',
    flags: [
      FILE_OR_STDIN,
      { name: 'node-id', value: 'ID', summary: 'Name this Envoy; no two Envoys share an ID.', required: true },
      {
        name: 'certs',
        value: 'DIR',
        summary: 'Read the files of `postern certs gateway` from DIR, as the gateway sees it.',
        required: true,
      },
      { name: 'xds', value: 'HOST:PORT', summary: 'Connect to the control plane here.', default: XDS },
      ENVOY_ADMIN,
      {
        name: 'metrics',
        value: 'HOST:PORT',
        summary: 'Answer GET /stats/prometheus here, for Prometheus, and nothing else of the admin port.',
      },
    ],
    examples: [
      'postern bootstrap ingress -f mesh.yaml --node-id ingress-1 --certs certs/ingress > ingress.yaml',
      'postern bootstrap egress -f mesh.yaml --node-id egress-1 --certs /certs --xds postern.mesh.example:18000',
    ],
    exits: ['ok', 'usage', 'badConfig'],
    load: async () => (await import('./bootstrap.ts')).bootstrap,
  },
  {
    name: 'peer show',
    summary: 'Print what a peer needs to know about our mesh, ready for its file.',
    flags: [
      FILE_OR_STDIN,
      { name: 'ours', summary: 'Show our own mesh; there is no other sheet yet.', required: true },
      { name: 'to', value: 'PEER', summary: 'Add the names that this peer uses, and what it is granted.' },
      outputFlag('yaml|json|pem', 'yaml', 'Print in this format; pem is our trust bundle alone.'),
    ],
    examples: [
      'postern peer show --ours -f mesh.yaml --to shop',
      'postern peer show --ours -f mesh.yaml -o pem > bank-ca.pem',
    ],
    exits: ['ok', 'usage', 'badConfig'],
    load: async () => (await import('./peer.ts')).peerShow,
  },
  {
    name: 'check peer',
    positionals: ['PEER'],
    summary: 'Dial a peer as the egress gateway would, and say which side refuses what.',
    flags: [
      FILE_OR_STDIN,
      {
        name: 'address',
        value: 'HOST:PORT',
        summary: "Dial this address instead of the peer's addresses in the file.",
      },
      {
        name: 'request',
        value: '[METHOD] NAME PATH',
        summary: 'Also send one request (HEAD without a METHOD), which reaches the service if the peer admits it.',
      },
      {
        name: 'workload',
        value: 'ns/NAMESPACE/sa/ACCOUNT',
        summary: 'Send the request in the name of this workload of ours, as the gateway does once it is proved.',
      },
      outputFlag('text|json', 'text'),
    ],
    examples: [
      'postern check peer bank -f mesh.yaml',
      'postern check peer bank -f mesh.yaml --address 10.0.0.7:15443',
      "postern check peer bank -f mesh.yaml --request 'GET accounts.bank /v1/accounts' --workload ns/web/sa/front",
    ],
    exits: ['ok', 'no', 'usage', 'badConfig', 'unreachable'],
    load: async () => (await import('./check-peer.ts')).checkPeer,
  },
  {
    name: 'status',
    summary: 'Show the connected gateways, what they acknowledged, and what is served.',
    flags: [
      { name: 'admin', value: 'HOST:PORT', summary: 'Ask the running process here.', default: ADMIN },
      {
        name: 'check',
        summary:
          'Fail when a gateway is not connected or not in sync, the file was rejected, or a peer cannot be reached.',
      },
      {
        name: 'wait',
        value: 'DURATION',
        summary: 'Check again and again, for at most DURATION (30s, 5m), until all is well.',
        variable: 'POSTERN_STATUS_WAIT',
      },
      { name: 'serves', value: 'FILE', summary: 'Also fail when FILE, as it is now, is not what is served.' },
      outputFlag('text|json', 'text'),
    ],
    examples: [
      'postern status --admin 127.0.0.1:19001 -o json',
      'postern status --wait 60s --serves mesh.yaml && echo "all gateways run with mesh.yaml"',
    ],
    exits: ['ok', 'usage', 'badConfig', 'unreachable', 'notInSync'],
    load: async () => (await import('./status.ts')).status,
  },
  ...QUESTIONS,
  EXPLAIN,
  {
    name: 'drain',
    summary: 'Take a gateway out of service without cutting a request. Run it before you stop the gateway.',
    flags: [
      ENVOY_ADMIN,
      {
        name: 'wait',
        value: 'DURATION',
        summary: 'Wait this long for open requests and connections; at least the drain time of the gateway.',
        default: '90s',
      },
    ],
    examples: ['postern drain && kill -TERM "$ENVOY_PID"', 'postern drain --envoy-admin 127.0.0.1:9902 --wait 5m'],
    exits: ['ok', 'failed', 'usage', 'unreachable'],
    load: async () => (await import('./drain.ts')).drain,
  },
  {
    name: 'schema',
    summary: 'Print the JSON Schema of the configuration, for editors.',
    flags: [],
    examples: ['postern schema > config.schema.json'],
    exits: ['ok', 'usage'],
    load: async () => (await import('./schema.ts')).schema,
  },
];
