// What the xDS port of `postern run` consists of: this process or workers behind it (serving/), its server certificate, and
// the gateways that it admits.
// Must not: admit a client by anything but its certificate, unless TLS is off.

import type { HostPort } from '../host-port.ts';
import type { Logger, LogLevel } from '../log.ts';
import { type Applied, type Publisher, ROLES } from '../pipeline/publisher.ts';
import { WorkerPool } from '../serving/pool.ts';
import { ReportBatch, type ReportedConnections } from '../serving/report-batch.ts';
import { type Serving, serveInProcess } from '../serving/serving.ts';
import type { Metrics } from '../telemetry/metrics-registry.ts';
import { serverObserver } from '../telemetry/xds-metrics-and-log.ts';
import { type ControlPlaneCa, issueServerCertificate } from '../trust/issuing/control-plane-ca.ts';
import { certificateAdmission, claimAdmission, type GatewayRegistry } from '../xds/admission/admission.ts';
import type { ServerTls } from '../xds/transport/xds-server.ts';

export interface ServingOptions {
  readonly xds: HostPort;
  /** How long the code is warmed up before gateways may connect. */
  readonly warmUpMs: number;
  /** Processes that serve; 1: this one. */
  readonly workers: number;
  /** The logger's, for workers. */
  readonly logLevel: LogLevel;
  readonly logger: Logger;
}

interface PortOptions {
  readonly tls: ServerTls | undefined;
  readonly controlPlane: string;
  /** Called with what gateways report of their connections. */
  readonly heard: (batch: readonly ReportedConnections[]) => void;
}

export function createServing(
  { workers, xds: address, warmUpMs, logger, logLevel }: ServingOptions,
  { cache }: Publisher,
  metrics: Metrics,
  { tls, controlPlane, heard }: PortOptions,
): Serving {
  // With workers, this process counts nothing, but its metrics have the names that the workers report.
  const observer = serverObserver(logger, metrics, Date.now, controlPlane);
  if (workers > 1) {
    const settings = { address, tls, controlPlane, warmUpMs, logLevel };
    return new WorkerPool({ count: workers, settings, cache, gateways: ROLES, metrics, logger, heard });
  }
  return serveInProcess(warmUpMs, (gateways) => ({
    address,
    tls,
    cache,
    observer,
    admission: (leaf) =>
      tls === undefined ? claimAdmission(gateways) : certificateAdmission(leaf, gateways, Date.now),
    controlPlane,
    reported: new ReportBatch(cache, heard).add,
  }));
}

export function serverTls(ca: ControlPlaneCa, address: HostPort): ServerTls {
  const issued = issueServerCertificate(ca, [address.host], Date.now());
  return {
    certificateChain: issued.certificateChain,
    privateKey: issued.privateKey.reveal(),
    clientCa: ca.certificatePem,
  };
}

export function gatewayRegistry({ resolved }: Applied): GatewayRegistry {
  return new Map(
    ROLES.flatMap((role) => {
      const gateway = resolved.federation[role];
      return gateway === undefined ? [] : [[gateway.identity, role] as const];
    }),
  );
}
