// `postern status`: what is connected and acknowledged, asked of the running process.
// In: the admin address. Out: a table or JSON. Must not: change anything.

import {
  caLine,
  deniedLines,
  endRows,
  nackLines,
  type Status,
  statusRows,
  workerLines,
} from '../../admin/status-view.ts';
import { EXIT, formatDiagnostic, PosternError } from '../../errors.ts';
import { outputFormat, type Run, required } from '../command.ts';
import { table } from '../table.ts';

export const status: Run = async (invocation) => {
  const output = outputFormat(invocation, ['table', 'json'] as const, 'table');
  const given = required(invocation, 'admin');
  const admin = given.includes('://') ? given : `http://${given}`;
  if (!URL.canParse(admin))
    throw new PosternError('USAGE', `${invocation.named('admin')} takes HOST:PORT or an http URL, not ${given}`);
  const value = await fetchStatus(admin);
  invocation.stdout(output === 'json' ? `${JSON.stringify(value, null, 2)}\n` : text(value, Date.now()));
  return EXIT.ok;
};

async function fetchStatus(admin: string): Promise<Status> {
  try {
    const response = await fetch(new URL('/status', admin), { signal: AbortSignal.timeout(5000) });
    if (!response.ok) throw new Error(`it answers ${response.status}`);
    const value: unknown = await response.json();
    if (!isStatus(value)) throw new Error('what answers there is not Postern');
    return value;
  } catch (error) {
    const reason = ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code ?? (error as Error).message;
    throw new PosternError(
      'ADMIN_UNREACHABLE',
      `the running process cannot be reached at ${admin}: ${reason}; is postern run up, and --admin right?`,
      { cause: error },
    );
  }
}

/** Enough to tell ours from whatever else answers on that port. */
function isStatus(value: unknown): value is Status {
  if (typeof value !== 'object' || value === null) return false;
  return (
    'mesh' in value &&
    'config' in value &&
    'controlPlaneCa' in value &&
    'gateways' in value &&
    Array.isArray(value.gateways)
  );
}

function text(value: Status, now: number): string {
  const { config } = value;
  const rejected =
    config.rejected === undefined
      ? []
      : [
          config.rejected.partly === true
            ? `Parts of the file were rejected at ${config.rejected.at} (${config.rejected.reason}); the rest of it is served:`
            : `The file as it is now was rejected at ${config.rejected.at} (${config.rejected.reason}); what was served before is still served:`,
          ...config.rejected.diagnostics.map(formatDiagnostic),
        ];
  return [
    `mesh ${value.mesh} (${value.trustDomain}), ${config.file} applied ${config.appliedAt}`,
    caLine(value),
    '',
    table(statusRows(value)),
    table(endRows(value, now)),
    ...workerLines(value),
    ...nackLines(value),
    ...deniedLines(value),
    ...rejected,
    ...config.warnings.map(formatDiagnostic),
    '',
  ].join('\n');
}
