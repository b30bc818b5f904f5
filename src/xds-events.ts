// What the xDS server tells, as log lines and metrics.
// In: events of streams. Out: logs, counters, gauges. Must not: decide anything; label by what a stranger chooses.

import type { Counter, Metrics } from './admin/metrics.ts';
import type { Logger } from './log.ts';
import { LogLimit } from './log-limit.ts';
import type { XdsObserver } from './xds/observer.ts';

/** Lines at once, and each second: connections and rejections of one gateway; refusals of everybody. */
const CONNECTIONS = [5000, 50] as const;
const REJECTIONS = [100, 1] as const;
const REFUSALS = [200, 5] as const;

export function serverObserver(logger: Logger, metrics: Metrics, clock: () => number = Date.now): XdsObserver {
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
  const connections = byGateway(() => new LogLimit(...CONNECTIONS, clock()));
  const rejections = byGateway(() => new LogLimit(...REJECTIONS, clock()));
  const refusals = new LogLimit(...REFUSALS, clock());
  return {
    opened: (gateway, nodeId, address, variant) => {
      count(gateway, 1);
      const line = connections(gateway).take(clock());
      if (line !== undefined) logger.info({ gateway, node: nodeId, address, variant, ...line }, 'gateway connected');
    },
    closed: (gateway, nodeId, address) => {
      count(gateway, -1);
      const line = connections(gateway).take(clock());
      if (line !== undefined) logger.info({ gateway, node: nodeId, address, ...line }, 'gateway disconnected');
    },
    pushed: (gateway, type) => counted(gateway, type).sent.add(),
    answered: (gateway, nodeId, type, answer, message) => {
      counted(gateway, type)[answer].add();
      if (answer === 'ack') return;
      const line = rejections(gateway).take(clock());
      if (line === undefined) return;
      logger.error(
        { gateway, node: nodeId, type, message, ...line },
        'gateway rejected a response; what it has may be what it had, or a part of both',
      );
    },
    denied: (reason, address, nodeId) => {
      denied.add();
      const line = refusals.take(clock());
      if (line !== undefined) logger.warn({ reason, address, node: nodeId, ...line }, 'xDS caller refused');
    },
    failed: (error) => logger.error({ err: error }, 'internal error on a stream'),
  };
}

/** Gateways are the configuration's: there are few, and no stranger makes one up. */
function byGateway<T>(begin: () => T): (gateway: string) => T {
  const known = new Map<string, T>();
  return (gateway) => {
    const one = known.get(gateway) ?? begin();
    known.set(gateway, one);
    return one;
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
