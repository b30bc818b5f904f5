// What the xDS server tells, as log lines and metrics.
// In: events of streams. Out: logs, counters, gauges. Must not: decide anything; label by what a stranger chooses.

import type { Logger } from '../log.ts';
import type { XdsObserver } from '../xds/transport/observer.ts';
import { LogLimit } from './log-limit.ts';
import type { Counter, Metrics } from './metrics.ts';

/** Lines at once, and each second: connections and rejections of one gateway; refusals of everybody. */
const CONNECTIONS = { burst: 5000, perSecond: 50 };
const REJECTIONS = { burst: 100, perSecond: 1 };
const REFUSALS = { burst: 200, perSecond: 5 };

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
  const connections = byName(() => new LogLimit(CONNECTIONS, clock()));
  const rejections = byName(() => new LogLimit(REJECTIONS, clock()));
  const refusals = new LogLimit(REFUSALS, clock());
  const write = (limit: LogLimit, level: keyof Logger, fields: object, message: string): void => {
    const line = limit.take(clock());
    if (line !== undefined) logger[level]({ ...fields, ...line }, message);
  };
  return {
    opened: (gateway, nodeId, address, variant) => {
      count(gateway, 1);
      write(connections(gateway), 'info', { gateway, node: nodeId, address, variant }, 'gateway connected');
    },
    closed: (gateway, nodeId, address) => {
      count(gateway, -1);
      write(connections(gateway), 'info', { gateway, node: nodeId, address }, 'gateway disconnected');
    },
    pushed: (gateway, type) => counted(gateway, type).sent.add(),
    answered: (gateway, nodeId, type, answer, message) => {
      counted(gateway, type)[answer].add();
      if (answer === 'ack') return;
      write(
        rejections(gateway),
        'error',
        { gateway, node: nodeId, type, message },
        'gateway rejected a response; what it has may be what it had, or a part of both',
      );
    },
    denied: (reason, address, nodeId) => {
      denied.add();
      write(refusals, 'warn', { reason, address, node: nodeId }, 'xDS caller refused');
    },
    failed: (error) => logger.error({ err: error }, 'internal error on a stream'),
  };
}

/** Made at the first call. Gateways are the configuration's, types are ours: there are few, and no stranger makes one up. */
function byName<T>(begin: (name: string) => T): (name: string) => T {
  const known = new Map<string, T>();
  return (name) => {
    const one = known.get(name) ?? begin(name);
    known.set(name, one);
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
  const begin = (counter: Counter, gateway: string, type: string): Series => {
    const series = counter.series({ gateway, type });
    series.add(0);
    return series;
  };
  const counted = byName((gateway) =>
    byName((type) => ({
      sent: begin(counters.sent, gateway, type),
      ack: begin(counters.ack, gateway, type),
      nack: begin(counters.nack, gateway, type),
    })),
  );
  return (gateway, type) => counted(gateway)(type);
}
