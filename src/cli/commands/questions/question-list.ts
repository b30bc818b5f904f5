// The commands that ask what is allowed, with their flags, examples and exit statuses (part of command-list.ts).
// Must not: import what a command runs with; `load` does that when the command runs.

import type { Command } from '../../command.ts';
import { ADMIN, ASKED, FILE_OR_STDIN, outputFlag, WITHOUT_KEYS } from '../../flag-list.ts';

export const QUESTIONS: readonly Command[] = [
  {
    name: 'can',
    positionals: ['SUBJECT', '[METHOD]', 'NAME', '[PATH]'],
    summary:
      'Say whether a peer may use an export, or a workload of ours an import, and which rule and line decide it.',
    flags: [
      ...ASKED,
      { name: 'header', value: 'TEXT', summary: 'Send this header, "NAME: VALUE". May be repeated.', multiple: true },
      {
        name: 'certificate',
        value: 'FILE',
        summary: 'Show the certificate in FILE: PEM, the leaf first, then those above it, without a key.',
        variable: 'POSTERN_CAN_CERTIFICATE',
      },
      {
        name: 'peer-certificate',
        value: 'FILE',
        summary: "Have the peer's gateway show the certificate in FILE to our egress.",
        variable: 'POSTERN_CAN_PEER_CERTIFICATE',
      },
      {
        name: 'host',
        value: 'HOST',
        summary: 'Ask for HOST instead of the name of the service.',
        variable: 'POSTERN_CAN_HOST',
      },
      { name: 'body', value: 'BYTES', summary: 'Send a body of this length.', variable: 'POSTERN_CAN_BODY' },
      {
        name: 'upgrade',
        value: 'PROTOCOL',
        summary: 'Ask for an upgrade, such as websocket.',
        variable: 'POSTERN_CAN_UPGRADE',
      },
      {
        name: 'http',
        value: '1.1|2',
        summary: 'Call the egress gateway by this version of HTTP.',
        default: '1.1',
        variable: 'POSTERN_CAN_HTTP',
      },
      {
        name: 'at',
        value: 'TIME',
        summary: 'Answer for this time (ISO 8601) instead of now.',
        variable: 'POSTERN_CAN_AT',
      },
      outputFlag('text|json', 'text'),
    ],
    examples: [
      'postern can partner:ns/shop/sa/checkout POST withdraw.payments /v1/withdrawals',
      'postern can ns/web/sa/front GET rates.default:8080 /v1/rates -f mesh.yaml',
      'postern can partner ledger -f mesh.yaml -o json',
      'postern can partner GET rates /v1/rates --certificate partner-gateway.pem --at 2027-03-31',
    ],
    exits: ['ok', 'no', 'usage', 'badConfig', 'unreachable', 'unjudged'],
    load: async () => (await import('./can.ts')).can,
  },
  {
    name: 'who',
    positionals: ['NAME'],
    summary: 'List everybody who reaches an export, or an import, and the rule and line that allow it.',
    flags: [...ASKED, outputFlag('text|json', 'text')],
    examples: ['postern who withdraw.payments', 'postern who rates.default:8080 -f mesh.yaml -o json'],
    exits: ['ok', 'usage', 'badConfig', 'unreachable', 'unjudged'],
    load: async () => (await import('./who.ts')).who,
  },
  {
    name: 'plan',
    summary: 'Say what a changed configuration would do: who reaches more or less, what ends, which resources change.',
    flags: [
      { ...FILE_OR_STDIN, summary: 'Plan this changed configuration; - is standard input.' },
      {
        name: 'against',
        value: 'FILE',
        summary: 'Compare with FILE instead of the running process; - is standard input.',
        variable: 'POSTERN_PLAN_AGAINST',
      },
      WITHOUT_KEYS,
      { name: 'admin', value: 'HOST:PORT', summary: 'Ask the running process here.', default: ADMIN },
      outputFlag('text|json', 'text'),
    ],
    examples: ['postern plan -f new.yaml', 'postern plan -f mesh.yaml --against ../main/mesh.yaml --without-keys'],
    exits: ['ok', 'usage', 'badConfig', 'unreachable', 'unjudged', 'findings'],
    load: async () => (await import('./plan.ts')).plan,
  },
];
