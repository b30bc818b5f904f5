// What a gateway counts of its verdicts: each line of the access log that says anything but `allowed` is one more of a counter
// with the line's own peer, export or import and reason, found by the line's own expressions. docs/metrics.md has the labels.
// Must not: have a label that a peer, a caller or a stranger fills in, nor cost a request that was admitted and answered an
// expression.

import type { GatewayRole } from '../../federation/model.ts';
import { extension, type Message } from '../draft.ts';

type AccessLog = Message<'envoy.config.accesslog.v3.AccessLog'>;
type Filter = NonNullable<AccessLog['filter']>;

const from = (value: number, runtime_key: string) =>
  ({ comparison: { op: 'GE', value: { default_value: value, runtime_key } } }) as const;

/**
 * What each request is asked before any expression: 0.3 % of its cost, where one expression has 2 % (docs/design.md, "Measured
 * costs"). A gateway refuses with a status of 400 or more, but a gRPC call with 200 and a status of gRPC. A stream that it ends
 * after its answer has begun has a good status and at times no flag: more is asked only of those that have lasted a second.
 */
export const MAY_NOT_BE_ALLOWED: Filter = {
  or_filter: {
    filters: [
      { status_code_filter: from(400, 'postern.log_ge_400') },
      {
        status_code_filter: {
          comparison: { op: 'LE', value: { default_value: 199, runtime_key: 'postern.log_le_199' } },
        },
      },
      { response_flag_filter: {} },
      {
        and_filter: {
          filters: [
            { header_filter: { header: { name: 'content-type', string_match: { prefix: 'application/grpc' } } } },
            { grpc_status_filter: { statuses: ['OK'], exclude: true } },
          ],
        },
      },
      { duration_filter: from(1000, 'postern.log_long') },
    ],
  },
};

/** The fields of a line that are labels of its counter: names of the file, and codes. The verdict follows from the reason. */
const LABELS = ['layer', 'peer', 'export', 'import', 'reason'] as const;
type Line = Readonly<Partial<Record<(typeof LABELS)[number], string>>>;

/** Of one logger: more than one peer has. Whatever else went wrong, a gateway would keep no more. */
const MOST_SERIES = 50_000;

/**
 * Counts what the filter lets through. A changed filter chain begins again at zero, as a restarted gateway does: with a scope that
 * all loggers share (`sharing_name`) it would not, but Envoy 1.40 then crashes when it ends.
 */
export function countVerdict(role: GatewayRole, line: Line, filter: Filter): AccessLog {
  const labels = LABELS.flatMap((name) => {
    const format = line[name];
    return format === undefined ? [] : [{ name, value_format: format }];
  });
  const tags = [{ name: 'gateway', value_format: role }, ...labels];
  return {
    ...extension('envoy.access_loggers.stats', 'envoy.extensions.access_loggers.stats.v3.Config', {
      stats_scope: { prefix: 'postern', max_counters: MOST_SERIES },
      counters: [{ stat: { name: 'verdicts', tags }, value_fixed: 1 }],
    }),
    filter,
  };
}
