// What the xDS server tells, as log lines and metrics.
// In: events of streams. Out: logs, counters, gauges. Must not: decide anything; label by what a stranger chooses.

import type { Counter, Metrics } from './admin/metrics.ts';
import type { Logger } from './log.ts';
import type { XdsObserver } from './xds/observer.ts';

export function serverObserver(logger: Logger, metrics: Metrics): XdsObserver {
  const streams = metrics.gauge('postern_xds_streams', 'Open discovery streams.');
  const responses = metrics.counter('postern_xds_responses_total', 'Responses sent.');
  const acks = metrics.counter('postern_xds_acks_total', 'Responses acknowledged.');
  const nacks = metrics.counter('postern_xds_nacks_total', 'Responses rejected.');
  const denied = metrics.counter('postern_xds_denied_total', 'Connections and streams refused.');
  const sent = byGatewayAndType(responses);
  const acknowledged = byGatewayAndType(acks);
  const open = new Map<string, number>();
  const count = (gateway: string, by: number): void => {
    open.set(gateway, (open.get(gateway) ?? 0) + by);
    streams.set({ gateway }, open.get(gateway) ?? 0);
  };
  return {
    opened: (gateway, nodeId, address, variant) => {
      count(gateway, 1);
      logger.info({ gateway, node: nodeId, address, variant }, 'gateway connected');
    },
    closed: (gateway, nodeId, address) => {
      count(gateway, -1);
      logger.info({ gateway, node: nodeId, address }, 'gateway disconnected');
    },
    pushed: (gateway, type) => sent.add(gateway, type),
    answered: (gateway, nodeId, type, answer, message) => {
      if (answer === 'ack') return acknowledged.add(gateway, type);
      nacks.add({ gateway, type });
      logger.error(
        { gateway, node: nodeId, type, message },
        'gateway rejected a response; what it has may be what it had, or a part of both',
      );
    },
    denied: (reason, address, nodeId) => {
      denied.add();
      logger.warn({ reason, address, node: nodeId }, 'xDS caller refused');
    },
    failed: (error) => logger.error({ err: error }, 'internal error on a stream'),
  };
}

/** What is counted at every message finds its series without rendering labels. */
function byGatewayAndType(counter: Counter): { add(gateway: string, type: string): void } {
  const known = new Map<string, Map<string, { add(by?: number): void }>>();
  return {
    add: (gateway, type) => {
      const ofGateway = known.get(gateway) ?? new Map<string, { add(by?: number): void }>();
      known.set(gateway, ofGateway);
      const series = ofGateway.get(type) ?? counter.series({ gateway, type });
      ofGateway.set(type, series);
      series.add();
    },
  };
}
