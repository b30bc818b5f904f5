// Checks that the state folder still holds the CA that this process serves with. Without it, connected gateways continue, but
// a restart would lock all gateways out.

import { watchFiles } from '../../config/files/watch.ts';
import type { Logger } from '../../log.ts';
import type { Metrics } from '../../telemetry/metrics-registry.ts';
import { type CaOnDisk, type ControlPlaneCa, caFiles, caOnDisk } from '../../trust/issuing/control-plane-ca.ts';

const MESSAGES: Readonly<Record<CaOnDisk, string>> = {
  same: 'the state folder holds the CA of the control plane again',
  missing:
    'the state folder has lost the CA of the control plane: connected gateways go on, but a new CA would lock all of them out. Restore the folder before you restart this process or run postern certs gateway',
  other:
    'the state folder holds another CA than this process serves with: a gateway certificate that is issued now is refused. Restore the folder, or restart this process and issue new certificates to all gateways (postern certs gateway)',
};

export class StateCheck {
  private readonly folder: string;
  private readonly ca: ControlPlaneCa;
  private readonly logger: Logger;
  private readonly gauge: { set(labels: object, value: number): void };
  private readonly watching: { close(): void };
  private last: CaOnDisk = 'same';

  constructor(folder: string, ca: ControlPlaneCa, logger: Logger, metrics: Metrics) {
    this.folder = folder;
    this.ca = ca;
    this.logger = logger;
    this.gauge = metrics.gauge(
      'postern_control_plane_ca_on_disk',
      'Whether the state folder holds the CA that this process serves with.',
    );
    this.watching = watchFiles(caFiles(folder), () => void this.look());
    this.look();
  }

  /** Logs once for each change. */
  look(): CaOnDisk {
    const now = caOnDisk(this.folder, this.ca);
    this.gauge.set({}, now === 'same' ? 1 : 0);
    if (now !== this.last) {
      const fields = { stateFolder: this.folder, caFingerprint: this.ca.issuer.certificate.fingerprint };
      this.logger[now === 'same' ? 'info' : 'error'](fields, MESSAGES[now]);
      this.last = now;
    }
    return now;
  }

  stop(): void {
    this.watching.close();
  }
}
