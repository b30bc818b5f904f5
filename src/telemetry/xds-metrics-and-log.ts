// Log lines and metrics of the xDS server: streams, responses and their answers, refused clients.
// Must not: label a metric by a value that a client chooses.

import type { Logger } from '../log.ts';
import type { XdsObserver } from '../xds/admission/observer.ts';
import {
  adviceFor,
  type CertificateClaims,
  REFUSALS,
  type Refusal,
  type RefusalReason,
} from '../xds/admission/refusal.ts';
import { KeyedLogLimit, LogLimit } from './log-limit.ts';
import type { Counter, Metrics } from './metrics-registry.ts';

/** Log lines: of the connections and rejections of each gateway, and of refused clients and ended streams, for each IP address and for all. */
const CONNECTIONS = { burst: 5000, perSecond: 50 };
const REJECTIONS = { burst: 100, perSecond: 1 };
const OF_ADDRESSES = { ofKey: { burst: 100, perSecond: 0.1 }, all: { burst: 200, perSecond: 5 } };

/** `controlPlane`: the server's SPIFFE ID, with which those of our gateways begin but for the last step. */
export function serverObserver(
  logger: Logger,
  metrics: Metrics,
  clock: () => number = Date.now,
  controlPlane = '',
): XdsObserver {
  const streams = metrics.gauge('postern_xds_streams', 'Open discovery streams.');
  const counted = byGatewayAndType({
    sent: metrics.counter('postern_xds_responses_total', 'Responses sent.'),
    ack: metrics.counter('postern_xds_acks_total', 'Responses acknowledged.'),
    nack: metrics.counter('postern_xds_nacks_total', 'Responses rejected.'),
  });
  const toAck = metrics.histogram(
    'postern_xds_push_to_ack_seconds',
    'From the last response of a type to its ACK.',
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  );
  const ackTimeOf = byName((gateway) => toAck.series({ gateway }));
  const denied = metrics.counter('postern_xds_denied_total', 'Connections and streams refused.').series({});
  denied.add(0);
  const refusedFor = refusedByReason(
    metrics.counter('postern_xds_clients_refused_total', 'Connections and streams refused, by reason.'),
  );
  const refusedAt = metrics.gauge(
    'postern_xds_client_last_refused_timestamp_seconds',
    'When a connection or stream was last refused, by reason.',
  );
  const ofOwnMesh = metrics
    .counter(
      'postern_xds_refused_of_own_mesh_total',
      'Logged refusals of certificates of another CA that name this mesh.',
    )
    .series({});
  ofOwnMesh.add(0);
  const ownPrefix = controlPlane.slice(0, controlPlane.lastIndexOf('/') + 1);
  const dropped = metrics.counter(
    'postern_xds_report_messages_dropped_total',
    'Messages of reports on connections that were not read, or not as a whole.',
  );
  const droppedOf = byName((gateway) => dropped.series({ gateway }));
  const open = new Map<string, number>();
  const count = (gateway: string, by: number): void => {
    open.set(gateway, (open.get(gateway) ?? 0) + by);
    streams.set({ gateway }, open.get(gateway) ?? 0);
  };
  const connections = byName(() => new LogLimit(CONNECTIONS, clock()));
  const rejections = byName(() => new LogLimit(REJECTIONS, clock()));
  const refusals = new KeyedLogLimit(OF_ADDRESSES, clock());
  const ends = new KeyedLogLimit(OF_ADDRESSES, clock());
  const write = (limit: LogLimit, level: keyof Logger, fields: object, message: string): void => {
    const line = limit.take(clock());
    if (line !== undefined) logger[level]({ ...fields, ...line }, message);
  };
  return {
    opened: (gateway, nodeId, address, variant) => {
      count(gateway, 1);
      write(connections(gateway), 'info', { gateway, node: nodeId, address, variant }, 'xDS stream opened');
    },
    closed: (gateway, nodeId, address) => {
      count(gateway, -1);
      write(connections(gateway), 'info', { gateway, node: nodeId, address }, 'xDS stream closed');
    },
    pushed: (gateway, type) => counted(gateway, type).sent.add(),
    answered: (gateway, nodeId, type, answer, message, tookMs) => {
      counted(gateway, type)[answer].add();
      if (answer === 'ack') return ackTimeOf(gateway).observe(tookMs / 1000);
      write(
        rejections(gateway),
        'error',
        { gateway, node: nodeId, type, message },
        'gateway rejected a response; what it has may be what it had, or a part of both',
      );
    },
    refused: (refusal) => {
      denied.add();
      refusedFor(refusal.reason).add();
      refusedAt.set({ reason: refusal.reason }, Math.floor(clock() / 1000));
      const line = refusals.take(hostOf(refusal.address), clock());
      if (line === undefined) return;
      const claims = refusal.claims?.();
      if (refusal.reason === 'unknown_ca' && ownPrefix !== '' && claims?.claimedId?.startsWith(ownPrefix))
        ofOwnMesh.add();
      logger.warn({ ...refusedClient(refusal, claims), ...line }, 'xDS client refused');
    },
    ended: ({ gateway, nodeId, address, status, detail }) => {
      const line = ends.take(hostOf(address), clock());
      if (line === undefined) return;
      const fields = { gateway, node: nodeId, address, code: status.toLowerCase(), reason: detail };
      logger.warn({ ...fields, ...line }, 'xDS stream ended because of the gateway');
    },
    dropped: (gateway) => droppedOf(gateway).add(),
    failed: (error) => logger.error({ err: error }, 'internal error on a stream'),
  };
}

function refusedClient({ reason, detail, address, nodeId }: Refusal, claims: CertificateClaims | undefined): object {
  return { code: reason, reason: detail, address, node: nodeId, ...claims, advice: adviceFor(reason, claims) };
}

/** A client's port changes with each connection. */
function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':'));
}

/** All reasons begin at 0: a series that begins with its first event shows Prometheus no increase. */
function refusedByReason(counter: Counter): (reason: RefusalReason) => Series {
  const series = byName((reason) => counter.series({ reason }));
  for (const reason of Object.keys(REFUSALS)) series(reason).add(0);
  return series;
}

/** Made at the first call. The configuration names the gateways, and the code the types: there are few, and no client can add one. */
function byName<T>(begin: (name: string) => T): (name: string) => T {
  const values = new Map<string, T>();
  return (name) => {
    const value = values.get(name) ?? begin(name);
    values.set(name, value);
    return value;
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
