// What the xDS server tells, as log lines and metrics.
// In: events of streams. Out: logs, counters, gauges. Must not: decide anything; label by what a stranger chooses.

import type { Counter, Metrics } from './admin/metrics.ts';
import type { Logger } from './log.ts';
import type { XdsObserver } from './xds/observer.ts';

export function serverObserver(logger: Logger, metrics: Metrics): XdsObserver {
  const streams = metrics.gauge('postern_xds_streams', 'Open discovery streams.');
  const counted = byGatewayAndType({
    sent: metrics.counter('postern_xds_responses_total', 'Responses sent.'),
    ack: metrics.counter('postern_xds_acks_total', 'Responses acknowledged.'),
    nack: metrics.counter('postern_xds_nacks_total', 'Responses rejected.'),
  });
  const denied = metrics.counter('postern_xds_denied_total', 'Connections and streams refused.').series({});
  denied.add(0);
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
    pushed: (gateway, type) => counted(gateway, type).sent.add(),
    answered: (gateway, nodeId, type, answer, message) => {
      counted(gateway, type)[answer].add();
      if (answer === 'ack') return;
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

type Series = ReturnType<Counter['series']>;
type Counted = Readonly<Record<'sent' | 'ack' | 'nack', Series>>;

/**
 * What is counted at every message finds its series without rendering labels. All three begin together, at 0: of a series
 * that begins with its first NACK, Prometheus sees no increase, and an alert on that is silent.
 */
function byGatewayAndType(
  counters: Readonly<Record<keyof Counted, Counter>>,
): (gateway: string, type: string) => Counted {
  const known = new Map<string, Map<string, Counted>>();
  const begin = (counter: Counter, gateway: string, type: string): Series => {
    const series = counter.series({ gateway, type });
    series.add(0);
    return series;
  };
  return (gateway, type) => {
    const ofGateway = known.get(gateway) ?? new Map<string, Counted>();
    known.set(gateway, ofGateway);
    const counted = ofGateway.get(type) ?? {
      sent: begin(counters.sent, gateway, type),
      ack: begin(counters.ack, gateway, type),
      nack: begin(counters.nack, gateway, type),
    };
    ofGateway.set(type, counted);
    return counted;
  };
}
