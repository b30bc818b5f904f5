// What the running process shows of what it serves, brought up to date whenever somebody looks: gauges, announcements of
// certificate ends, and the status.

import type { Rejected, Status } from '../admin/status-view.ts';
import type { Logger } from '../log.ts';
import type { CertificateEnd } from '../pipeline/authority-ends.ts';
import type { Publisher } from '../pipeline/publisher.ts';
import type { Serving, ServingStatus } from '../serving/serving.ts';
import { gatewayGauges } from '../telemetry/gateway-gauges.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { CaOnDisk, ControlPlaneCa } from '../trust/issuing/control-plane-ca.ts';
import { certificateEnds, EndAnnouncements } from './certificate-ends.ts';
import { processStatus, servedGauges } from './views.ts';

interface Looked {
  readonly state: ServingStatus;
  readonly ends: readonly CertificateEnd[];
}

export class ServedView {
  private readonly publisher: Publisher;
  private readonly serving: Serving;
  private readonly ca: ControlPlaneCa;
  private readonly metrics: Metrics;
  private readonly gauges: ReturnType<typeof servedGauges>;
  private readonly updateGateways: ReturnType<typeof gatewayGauges>;
  private readonly announcements: EndAnnouncements;

  constructor(publisher: Publisher, serving: Serving, ca: ControlPlaneCa, metrics: Metrics, logger: Logger) {
    this.publisher = publisher;
    this.serving = serving;
    this.ca = ca;
    this.metrics = metrics;
    this.gauges = servedGauges(metrics, publisher);
    this.updateGateways = gatewayGauges(metrics);
    this.announcements = new EndAnnouncements(logger);
  }

  /** After each turn. */
  published(): void {
    this.gauges.update();
  }

  async update(): Promise<Looked> {
    const state = await this.serving.status();
    const ends = certificateEnds(this.publisher, state.streams, this.ca.issuer.certificate);
    this.gauges.updateEnds(ends);
    const roles = [...this.publisher.cache.entries()].map(([gateway]) => gateway);
    this.updateGateways(roles, state.streams);
    this.announcements.update(ends, Date.now());
    return { state, ends };
  }

  async status(rejected: Rejected | undefined, onDisk: CaOnDisk): Promise<Status> {
    const { state, ends } = await this.update();
    const samples = [...this.metrics.samples(), ...(await this.serving.samples())];
    const refused = samples
      .filter(([name, labels]) => name === 'postern_xds_clients_refused_total' && labels.includes('"unknown_ca"'))
      .reduce((sum, [, , value]) => sum + value, 0);
    const ca = { certificate: this.ca.issuer.certificate, made: this.ca.made, onDisk, refused };
    return processStatus(this.publisher, ca, rejected, state, ends);
  }
}
