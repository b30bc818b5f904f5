// I/O: prepares what `postern run` needs before it can serve: the first configuration, and the control plane's CA.
// Must not: end the process because it gets too little CPU, or make a CA without logging it.

import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type LoadedConfig, loadConfig } from '../config/files/load.ts';
import { cannotListen, formatDiagnostic } from '../errors.ts';
import { formatHostPort, type HostPort } from '../host-port.ts';
import type { Logger } from '../log.ts';
import { type ControlPlaneCa, openControlPlaneCa } from '../trust/issuing/control-plane-ca.ts';
import type { TrustDomain } from '../trust/spiffe.ts';

export interface StartOptions {
  readonly file: string;
  /** Folder of the control plane's own CA. */
  readonly stateFolder: string;
  /** No CA is made where the folder holds none. */
  readonly requireState: boolean;
  /** The group of key files and of the state folder may use them. */
  readonly groupKeys: boolean;
  /** A configuration whose last line is not "..." is rejected. */
  readonly requireEnd: boolean;
  readonly logger: Logger;
  /** Aborted when the process is told to end before it serves. */
  readonly ending: AbortSignal;
}

/** Before the first configuration is read again: a hostile file keeps a third of one CPU busy, no more. */
const FIRST_RETRY_MS = 10_000;

/** At start there is nothing else to serve, so a file that was not parsed in time is read again until it is. Errors: `ending`. */
export async function loadFirst({ file, logger, ending, groupKeys, requireEnd }: StartOptions): Promise<LoadedConfig> {
  for (;;) {
    const loaded = await loadConfig(file, { groupKeys, requireEnd });
    if (!loaded.findings.some(({ code }) => code === 'YAML_TIMEOUT')) return loaded;
    const diagnostics = loaded.diagnostics().map(formatDiagnostic);
    logger.error({ file, diagnostics }, 'the configuration was not parsed in time; it is read again');
    await sleep(FIRST_RETRY_MS, undefined, { signal: ending });
  }
}

/**
 * Listens on all of the addresses at once, and on none of them any more when it returns: a process that cannot serve should
 * not make a CA. Another process may still take a port afterwards, so the servers report the same. Errors: LISTEN_FAILED.
 */
export async function tryPorts(addresses: Readonly<Record<'xds' | 'admin', HostPort>>): Promise<void> {
  const servers: Server[] = [];
  try {
    for (const flag of ['xds', 'admin'] as const) {
      const server = createServer();
      servers.push(server);
      await new Promise<void>((fulfil, reject) => {
        const { host, port } = addresses[flag];
        const refused = (error: Error): void => reject(cannotListen(flag, formatHostPort({ host, port }), error));
        server.once('error', refused).listen({ host, port, exclusive: true }, fulfil);
      });
    }
  } finally {
    await Promise.all(servers.map((server) => new Promise((fulfil) => server.close(fulfil))));
  }
}

export function openState(
  { stateFolder, requireState, groupKeys, logger }: StartOptions,
  trustDomain: TrustDomain,
): ControlPlaneCa {
  const hadFolder = existsSync(stateFolder);
  const ca = openControlPlaneCa(stateFolder, trustDomain, Date.now(), { groupKeys, required: requireState });
  if (ca.made)
    // A folder that exists may have been emptied; without one, a first start and a lost folder look the same.
    logger[hadFolder ? 'warn' : 'info'](
      { stateFolder, caFingerprint: ca.issuer.certificate.fingerprint },
      'the state folder held no CA, and a new one was made: each gateway needs a certificate of it (postern certs gateway). If there are gateways, restore the folder instead',
    );
  return ca;
}
