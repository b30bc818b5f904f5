// Who serves the gateways: this process, or workers beside it; for those that decide, it is the same.
// In: the xDS server's options, who may have a stream. Out: Serving. Must not: know files or the model.

import type { Sample } from '../telemetry/metrics.ts';
import type { StreamStatus } from '../xds/stream-status.ts';
import type { GatewayRegistry } from '../xds/transport/admission.ts';
import { warmUp } from '../xds/transport/warm-up.ts';
import { type ServerTls, XdsServer, type XdsServerOptions } from '../xds/transport/xds-server.ts';

export interface ServingStatus {
  readonly streams: readonly StreamStatus[];
  /** Of several processes: how many there should be, how many serve, and how many of these did not say what they have. */
  readonly workers?: { readonly expected: number; readonly serving: number; readonly silent: number };
}

export interface Serving {
  /** Errors: LISTEN_FAILED. Returns the bound port. */
  listen(gateways: GatewayRegistry): Promise<number>;
  /** Who may have a stream from now on; streams of others end. */
  admit(gateways: GatewayRegistry): void;
  setTls(tls: ServerTls): void;
  /** Sends every client what it rejected once more. */
  retry(): void;
  /** Whether gateways can connect. */
  serves(): boolean;
  status(): Promise<ServingStatus>;
  /** What other processes count of it. */
  samples(): Promise<readonly Sample[]>;
  stop(): Promise<void>;
}

/** In this process. `options` are made with a function that says who may have a stream now. */
export function serveHere(warmUpMs: number, options: (gateways: () => GatewayRegistry) => XdsServerOptions): Serving {
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
