// What `/status` says of refused clients, read from the metrics of this process and its workers.
// Must not: take a stranger for a gateway: only a certificate that names this mesh counts as one.

import type { Status } from '../../admin/status-view.ts';
import type { Sample } from '../../telemetry/metrics-registry.ts';
import { REFUSALS, type RefusalReason } from '../../xds/admission/refusal.ts';

/** Since the start, the most frequent first. */
export function refusedClients(samples: readonly Sample[]): Status['refused'] {
  return (Object.keys(REFUSALS) as RefusalReason[])
    .flatMap((reason) => {
      const count = sum(valuesOf(samples, 'postern_xds_clients_refused_total', reason));
      const last = Math.max(...valuesOf(samples, 'postern_xds_client_last_refused_timestamp_seconds', reason));
      const lastAt = Number.isFinite(last) ? { lastAt: new Date(last * 1000).toISOString() } : {};
      return count === 0 ? [] : [{ reason, count, ...lastAt, advice: REFUSALS[reason] }];
    })
    .sort((a, b) => b.count - a.count);
}

export function refusedFor(samples: readonly Sample[], reason: RefusalReason): number {
  return sum(valuesOf(samples, 'postern_xds_clients_refused_total', reason));
}

/** Whether clients were refused that seem to be gateways of an earlier CA: they distrust this server, or name this mesh. */
export function refusedGateways(samples: readonly Sample[]): boolean {
  const named = samples.filter(([name]) => name === 'postern_xds_refused_of_own_mesh_total');
  return refusedFor(samples, 'server_untrusted') > 0 || sum(named.map(([, , value]) => value)) > 0;
}

function valuesOf(samples: readonly Sample[], metric: string, reason: RefusalReason): readonly number[] {
  return samples.flatMap(([name, labels, value]) => (name === metric && labels.includes(`"${reason}"`) ? [value] : []));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
