// The interface behind which this process, or workers beside it (pool.ts), serve the gateways; and the first of the two.
// Must not: know files or the model.

import type { Sample } from '../telemetry/metrics-registry.ts';
import type { GatewayRegistry } from '../xds/admission/admission.ts';
import type { StreamStatus } from '../xds/stream-status.ts';
import { warmUp } from '../xds/transport/warm-up.ts';
import { type ServerTls, XdsServer, type XdsServerOptions } from '../xds/transport/xds-server.ts';

export interface ServingStatus {
  readonly streams: readonly StreamStatus[];
  /** Of several processes: how many there should be, how many listen, and how many of these did not report in time. */
  readonly workers?: { readonly expected: number; readonly serving: number; readonly silent: number };
}

export interface Serving {
  /** Errors: LISTEN_FAILED. Returns the bound port. */
  listen(gateways: GatewayRegistry): Promise<number>;
  /** The gateways that may have streams from now on; streams of others end. */
  admit(gateways: GatewayRegistry): void;
  setTls(tls: ServerTls): void;
  /** Sends every client again what it rejected. */
  retry(): void;
  /** Whether gateways can connect. */
  serves(): boolean;
  status(): Promise<ServingStatus>;
  /** The metrics of other processes. */
  samples(): Promise<readonly Sample[]>;
  stop(): Promise<void>;
}

/** Serves in this process. `options` are made with a function that returns the gateways that may have streams now. */
export function serveInProcess(
  warmUpMs: number,
  options: (gateways: () => GatewayRegistry) => XdsServerOptions,
): Serving {
  let registry: GatewayRegistry = new Map();
  const server = new XdsServer(options(() => registry));
  return {
    listen: async (gateways) => {
      registry = gateways;
      await warmUp(warmUpMs);
      return server.listen();
    },
    admit: (gateways) => {
      registry = gateways;
      server.recheck();
    },
    setTls: (tls) => server.setTls(tls),
    retry: () => server.retry(),
    serves: () => true,
    status: async () => ({ streams: server.status() }),
    samples: async () => [],
    stop: () => server.stop(),
  };
}
