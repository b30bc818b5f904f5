// What /status and `postern status` show: the configuration in force, and how far each gateway has come.
// In: facts of the running process. Out: one JSON value, and the rows of a table. Must not: hold key material.

import type { Diagnostic } from '../errors.ts';
import type { StreamStatus } from '../xds/stream-status.ts';

export interface Status {
  readonly mesh: string;
  readonly trustDomain: string;
  readonly version: string;
  /** The CA in the state folder, which gateways and the xDS port have in common. */
  readonly controlPlaneCa: {
    /** SHA-256, hex. */
    readonly fingerprint: string;
    readonly notAfter: string;
    /** True when this process made it: gateways with certificates of an earlier one are locked out. */
    readonly made: boolean;
  };
  readonly config: {
    readonly file: string;
    /** When what is served now was applied (ISO 8601), and the SHA-256 of that file's text. */
    readonly appliedAt: string;
    readonly sha256: string;
    /** Why the file as it is now is not served, if so. */
    readonly rejected?: {
      readonly at: string;
      readonly reason: string;
      readonly diagnostics: readonly Diagnostic[];
      /** True when only the trust of single peers was rejected, and the rest of the file is served. */
      readonly partly?: boolean;
    };
    readonly warnings: readonly Diagnostic[];
  };
  /** With `run --workers`: the gateways of a silent one are missing below. */
  readonly workers?: { readonly expected: number; readonly serving: number; readonly silent: number };
  readonly gateways: readonly {
    readonly gateway: string;
    readonly snapshotVersion: string;
    readonly nodes: readonly StreamStatus[];
  }[];
  readonly peers: readonly {
    readonly name: string;
    readonly trustDomain: string;
    readonly bundleFingerprint: string;
    readonly bundleNotAfter: string;
  }[];
  /** Configured peers without a usable trust bundle: nobody can prove to be them, and their imports answer 503. */
  readonly deniedPeers: readonly {
    readonly name: string;
    readonly trustDomain: string;
    /** What is wrong with the bundle: `CODE message`. */
    readonly reasons: readonly string[];
  }[];
  readonly certificates: readonly { readonly gateway: string; readonly peer: string; readonly notAfter: string }[];
  /** Every certificate that calls or the control channel depend on, the earliest end first. */
  readonly certificateEnds: readonly {
    readonly kind: string;
    readonly peer?: string;
    /** Of the Envoys of one gateway, the one whose certificate ends first. */
    readonly node?: string;
    readonly fingerprint?: string;
    readonly notAfter: string;
  }[];
}

const COLUMNS = ['CDS', 'EDS', 'SDS', 'RDS', 'LDS'];

/** One row for each connected gateway, the head first. */
export function statusRows(status: Status): readonly (readonly string[])[] {
  const rows = status.gateways.flatMap(({ gateway, nodes }) =>
    nodes.length === 0
      ? [[gateway, '(none connected)', ...COLUMNS.map(() => '-'), '-']]
      : nodes.map((node) => [
          gateway,
          node.nodeId,
          ...COLUMNS.map((column) => {
            const type = node.types.find(({ type }) => type === column);
            if (type === undefined) return '-';
            return type.ackedVersion === undefined ? type.state : `${type.state} ${type.ackedVersion.slice(0, 8)}`;
          }),
          new Date(node.since).toISOString(),
        ]),
  );
  return [['GATEWAY', 'NODE', ...COLUMNS, 'CONNECTED SINCE'], ...rows];
}

/** Which CA gateways must have a certificate of. */
export function caLine({ controlPlaneCa: ca }: Status): string {
  const made = ca.made ? '; made at this start: gateways with certificates of an earlier CA are locked out' : '';
  return `control-plane CA SHA-256 ${ca.fingerprint}, until ${ca.notAfter}${made}`;
}

/** What is wrong with the workers, if anything. */
export function workerLines({ workers }: Status): readonly string[] {
  if (workers === undefined) return [];
  const { expected, serving, silent } = workers;
  return [
    ...(serving < expected ? [`${serving} of ${expected} workers serve; the others are being started`] : []),
    ...(silent > 0 ? [`${silent} of ${serving} workers did not answer: their gateways are missing here`] : []),
  ];
}

/** Which peers are denied, and why. */
export function deniedLines({ deniedPeers = [] }: Partial<Pick<Status, 'deniedPeers'>>): readonly string[] {
  return deniedPeers.map(({ name, reasons }) => `peer ${name} is denied: ${reasons.join('; ')}`);
}

const MAX_ENDS = 10;
const DAY = 24 * 60 * 60 * 1000;

/** Which certificates end first, the head first; more are in the JSON. */
export function endRows({ certificateEnds }: Status, now: number): readonly (readonly string[])[] {
  const rows = certificateEnds.slice(0, MAX_ENDS).map(({ kind, peer, node, notAfter }) => {
    const days = Math.floor((Date.parse(notAfter) - now) / DAY);
    const left = Date.parse(notAfter) <= now ? 'ended' : days === 0 ? 'less than a day' : `${days} days`;
    return [kind, peer ?? node ?? '-', notAfter, left];
  });
  const more = certificateEnds.length - rows.length;
  return [['CERTIFICATE', 'OF', 'ENDS', 'LEFT'], ...rows, ...(more > 0 ? [[`and ${more} more: -o json`]] : [])];
}

/** Envoy's words for every NACK that is in force. */
export function nackLines(status: Status): readonly string[] {
  return status.gateways.flatMap(({ gateway, nodes }) =>
    nodes.flatMap((node) =>
      node.types.flatMap(({ type, nack }) =>
        nack === undefined
          ? []
          : [`${gateway} ${node.nodeId} rejected ${type} ${nack.version.slice(0, 8)}: ${nack.message}`],
      ),
    ),
  );
}
