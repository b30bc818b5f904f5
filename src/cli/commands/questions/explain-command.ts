// The command explain with its flags, examples and exit statuses (part of command-list.ts).
// Must not: import what a command runs with; `load` does that when the command runs.

import type { Command } from '../../command.ts';
import { ASKED, outputFlag } from '../../flag-list.ts';

export const EXPLAIN: Command = {
  name: 'explain',
  positionals: ['[LINE]'],
  summary: "Say what lines of a gateway's access log mean: why, by which rule and line, and what to do.",
  flags: [
    {
      name: 'request-id',
      value: 'ID',
      summary: 'Explain the lines of this request instead, from --log.',
      variable: 'POSTERN_EXPLAIN_REQUEST_ID',
    },
    {
      name: 'log',
      value: 'FILE',
      summary:
        'Look for the request in FILE, which may have the logs of both gateways; it is read twice, so - is none.',
      variable: 'POSTERN_EXPLAIN_LOG',
    },
    ...ASKED,
    outputFlag('text|json', 'text'),
  ],
  examples: [
    'kubectl logs deploy/ingress | tail -5 | postern explain',
    'postern explain \'{"ts":"…","gateway":"bank/ingress",…}\' -f mesh.yaml',
    'postern explain --request-id 5e0c3a6e-7d1b-4a53-9d0f-1c0f7a5f2b11 --log gateways.log -o json',
  ],
  exits: ['ok', 'usage', 'badLine', 'unreachable'],
  load: async () => (await import('./explain.ts')).explain,
};
