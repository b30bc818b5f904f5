// `postern status`: what is connected and acknowledged, asked of the running process.
// In: the admin address. Out: a table or JSON. Must not: change anything.

import { nackLines, type Status, statusRows } from '../admin/status.ts';
import { formatDiagnostic } from '../config/parse.ts';
import { EXIT, PosternError } from '../errors.ts';
import { ADMIN, type Command, oneOf, required } from './command.ts';
import { table } from './table.ts';

export const status: Command = {
  name: 'status',
  summary: 'shows the connected gateways and what they have acknowledged',
  flags: [
    { name: 'admin', value: 'URL', summary: 'the admin port of the running process', default: `http://${ADMIN}` },
    { name: 'output', short: 'o', value: 'table|json', summary: 'how to print', default: 'table' },
  ],
  run: async (invocation) => {
    const output = oneOf(invocation.flag('output'), ['table', 'json'], '--output');
    const given = required(invocation, 'admin');
    const value = await fetchStatus(given.includes('://') ? given : `http://${given}`);
    invocation.stdout(output === 'json' ? `${JSON.stringify(value, null, 2)}\n` : text(value));
    return EXIT.ok;
  },
};

async function fetchStatus(admin: string): Promise<Status> {
  try {
    const response = await fetch(new URL('/status', admin), { signal: AbortSignal.timeout(5000) });
    if (!response.ok) throw new Error(`it answers ${response.status}`);
    return (await response.json()) as Status;
  } catch (error) {
    const reason = ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code ?? (error as Error).message;
    throw new PosternError(
      'ADMIN_UNREACHABLE',
      `the running process cannot be reached at ${admin}: ${reason}; is postern run up, and --admin right?`,
      { cause: error },
    );
  }
}

function text(value: Status): string {
  const { config } = value;
  const rejected =
    config.rejected === undefined
      ? []
      : [
          `The file as it is now was rejected at ${config.rejected.at} (${config.rejected.reason}); what was served before is still served:`,
          ...config.rejected.diagnostics.map(formatDiagnostic),
        ];
  return [
    `mesh ${value.mesh} (${value.trustDomain}), ${config.file} applied ${config.appliedAt}`,
    '',
    table(statusRows(value)),
    ...nackLines(value),
    ...rejected,
    ...config.warnings.map(formatDiagnostic),
    '',
  ].join('\n');
}
