// Every code that Postern can print, once: those of findings and those of thrown errors; and how findings are printed.
// Must not: read files, log, or know any other folder.

import { oneLine } from './one-line.ts';
import { withoutKeys } from './without-keys.ts';

/** Exit statuses of the command line (sysexits where one fits). */
export const EXIT = {
  ok: 0,
  failed: 1,
  no: 1,
  usage: 64,
  badConfig: 65,
  badLine: 65,
  unreachable: 69,
  unjudged: 70,
  notInSync: 75,
  findings: 79,
} as const;

/** One sentence for each, for help and reference. */
export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'Success.',
  failed: 'It failed; the error code on stderr says why.',
  no: 'The answer is no (`can`, `check peer`): nothing is on stderr.',
  usage: 'The command line is wrong.',
  badConfig: 'The configuration cannot be read, or has errors.',
  badLine: 'The log line cannot be read (`explain`).',
  unreachable: 'The running process cannot be reached, or not every address of a peer (`check peer`).',
  unjudged: 'The resources hold something that this version cannot judge (`can`, `who`, `plan`).',
  notInSync: 'A gateway is not in sync, or the configuration file was rejected (`status --check`).',
  findings: 'The configuration has warnings only (`validate`), or the change widens something (`plan`).',
};

/** A place in the configuration: map keys and list indexes from the root. */
export type Path = readonly (string | number)[];

/**
 * What each finding code means, in one sentence. The code is the contract: tests and scripts match it, never the message.
 * The table of docs/findings.md is printed from it.
 */
export const FINDING_CODES = {
  // text: the file as YAML
  YAML_TOO_LARGE: 'The file is larger than Postern reads.',
  YAML_TIMEOUT: 'Parsing the file took longer than Postern waits.',
  YAML_SYNTAX: 'The file is not valid YAML 1.2.',
  YAML_DUPLICATE_KEY: 'A map has the same key twice.',
  END_MISSING: 'The last line of the file is not "...", which --require-end asks for: the file may have been cut.',
  MORE_FINDINGS: 'There are more findings than are listed.',
  // shape: keys and values
  UNKNOWN_KEY: 'A key that Postern does not know.',
  MISSING_KEY: 'A required key is missing.',
  WRONG_TYPE: 'A value has another type than the key asks for.',
  INVALID_VALUE: 'A value is not one that the key takes.',
  EMPTY: 'A list, map or text is empty, or the whole file; empty never means all.',
  NOT_YET: 'A key or value that this version does not support; it is refused, never ignored.',
  INVALID_NAME:
    'Not a valid host name or label: lower-case ASCII letters, digits and hyphens, in labels of at most 63.',
  INVALID_ADDRESS: 'Not an address of the form HOST:PORT, or not one that can be bound or dialled.',
  INVALID_IDENTITY: 'Not a SPIFFE path relative to the trust domain.',
  INVALID_TRUST_DOMAIN: 'Not a SPIFFE trust domain name.',
  INVALID_PATH: 'Not a path rule: an absolute path, with a trailing /* as the only wildcard.',
  INVALID_METHOD: 'Not an HTTP method that can be granted.',
  INVALID_DATE: 'Not a date of the form YYYY-MM-DD.',
  INVALID_DURATION: 'Not a duration such as 24h or 90m.',
  NOT_FOR_TCP: 'A key about requests at a TCP export or import, where a gateway sees none.',
  // trust material
  BUNDLE_UNPARSABLE: 'A trust bundle is not a PEM file of certificates, or one of them is malformed or too large.',
  BUNDLE_EMPTY: 'A trust bundle holds no certificate.',
  BUNDLE_HOLDS_KEY: 'A trust bundle holds a private key.',
  BUNDLE_TOO_LARGE: 'A trust bundle holds more certificates than one trust domain needs.',
  BUNDLE_DUPLICATE: 'A trust bundle holds the same certificate twice.',
  BUNDLE_NOT_A_CA: 'A certificate in a trust bundle is not a CA; Envoy would let it vouch for itself.',
  BUNDLE_EXPIRED: 'A CA in a trust bundle has expired.',
  BUNDLE_EXPIRES_SOON: 'A CA in a trust bundle expires within 30 days; announced again 7 days and one day before.',
  BUNDLE_NOT_YET_VALID: 'A CA in a trust bundle is not yet valid.',
  BUNDLE_WEAK_KEY: 'A CA in a trust bundle has a weak key or signature.',
  BUNDLE_FOREIGN: 'A CA in a trust bundle names another trust domain.',
  ISSUER_UNPARSABLE: 'The issuing certificate or its key cannot be read.',
  ISSUER_NOT_A_CA: 'The issuing certificate is not a CA.',
  ISSUER_EXPIRED: 'The issuing certificate, or a CA above it, is outside its validity.',
  ISSUER_EXPIRES_SOON:
    'The issuing certificate, or a CA above it, expires within 30 days; announced again 7 days and one day before.',
  ISSUER_CHAIN: 'A certificate after the issuing one did not sign the one before it, or is not a CA.',
  ISSUER_CONSTRAINED:
    'The issuing CA, or one above it, forbids what Postern signs with it: every handshake would fail.',
  ISSUER_ROOT_RESTRICTED:
    'A root of ours restricts what it is for in a way that Envoy ignores in a root, and other verifiers do not.',
  ISSUER_WEAK_KEY: 'The issuing CA, or one above it, has a weak key or signature.',
  ISSUER_FOREIGN: 'The issuing CA names another trust domain.',
  ISSUER_KEY_MISMATCH: 'The private key does not belong to the issuing certificate.',
  IDENTITY_EXPIRED:
    'A certificate of identity.files is outside its validity, in the file of the machine that checks; a running gateway has its own.',
  FILE_UNREADABLE: 'A file that the configuration names cannot be read.',
  KEY_FILE_EXPOSED: 'Other users can read or write a private key file.',
  MESH_CHANGED: 'The trust domain of the mesh changed while running; that needs a restart.',
  EGRESS_OPEN: 'The egress gateway takes plaintext from other machines, and the file does not say that this is meant.',
  EGRESS_EXPOSED: 'The egress gateway takes plaintext at a public address, or at every address.',
  CALLER_NAMES_LONG:
    'The certificate that callers of the egress gateway are shown would be too large for some of them.',
  ISSUER_OUTSIDE_MESH:
    'Our own workloads, as callers or as backends with tls: mtls, are shown a certificate whose issuer does not chain to the trust bundle of the mesh.',
  // rules across objects
  UNKNOWN_PEER: 'A consumer or import names a peer that is not a key of peers.',
  TRUST_DOMAIN_OURS: 'A peer has the trust domain of our own mesh.',
  TRUST_DOMAIN_TAKEN: 'Two peers have the same trust domain.',
  SNI_TAKEN: 'Two peers have the same SNI label, or two TCP exports would be reached by the same server name.',
  IDENTITY_SHARED: 'Both gateways have the same identity.',
  IDENTITY_RESERVED: 'A gateway has the identity of the control plane.',
  GATEWAY_MISSING: 'Exports need an ingress gateway, imports an egress gateway.',
  MESH_BUNDLE_MISSING: 'Something needs the CAs of our own workloads, and mesh.trustBundle does not name them.',
  NAME_TOO_LONG: 'A name of the wire contract would be longer than a host name may be.',
  EXPORT_TAKEN: 'Two exports have the same name.',
  CONSUMER_TAKEN: 'One export names a consumer twice.',
  PORT_TAKEN: 'Two imports have the same port, and one of them is TCP, which has no names to tell them apart.',
  CLIENTS_UNPROVEN: 'An import names its clients, and the egress gateway takes plaintext: they would not be enforced.',
  LOCAL_NAME_TAKEN: 'Two imports have the same local name at the same port.',
  PEER_WITHOUT_ADDRESS: 'Something is imported from a peer that has no addresses.',
  PROTOCOL_CONFLICT: 'The same export is imported with two protocols.',
  GRANT_EXPIRED: 'The last day of a grant is over; it no longer applies.',
  // rules across trust
  CA_SHARED:
    'A CA (its key) is in two trust bundles, of peers or of our own mesh, or signed a CA in another one, so that one mesh could issue identities of the other.',
  CA_OURS: "Our own issuing CA, or one above or below it, is in a peer's trust bundle.",
} as const satisfies Record<string, string>;

export type FindingCode = keyof typeof FINDING_CODES;
export type Severity = 'error' | 'warning';

/** A problem in a configuration, at a path; it gets its line and column from the parsed document. */
export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  readonly path: Path;
  /** What is wrong, in one sentence without the path. */
  readonly message: string;
  /** What to write instead. */
  readonly hint: string;
  /** True when the finding is about the key of `path`'s last step, not about its value. */
  readonly atKey?: boolean;
  /** Set when the finding concerns the trust in one peer only: an error denies that peer at most, and no other. */
  readonly concernsPeer?: string;
  /** Set when the finding concerns the trust in our own workloads only: an error denies what needs that trust, and nothing else. */
  readonly concernsMesh?: true;
  /** Set when the finding concerns the trust in the backend of one export only: an error denies that export at most. */
  readonly concernsExport?: string;
}

/** A finding with its place in a file; line and column count from 1. */
export interface Diagnostic extends Finding {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Failures of the world, thrown as PosternError: the exit status that a command ends with. */
export const ERROR_CODES = {
  USAGE: EXIT.usage,
  CONFIG_UNREADABLE: EXIT.badConfig,
  CONFIG_INVALID: EXIT.badConfig,
  RESOURCE_INVALID: EXIT.failed,
  BOUNDARY_VIOLATED: EXIT.failed,
  SNAPSHOT_INCONSISTENT: EXIT.failed,
  CERTIFICATE_INVALID: EXIT.failed,
  STATE_UNUSABLE: EXIT.failed,
  LISTEN_FAILED: EXIT.failed,
  ADMIN_UNREACHABLE: EXIT.unreachable,
  NOT_IN_SYNC: EXIT.notInSync,
  PEER_UNREACHABLE: EXIT.unreachable,
  DRAIN_INCOMPLETE: EXIT.failed,
  UNJUDGED: EXIT.unjudged,
  LOG_LINE: EXIT.badLine,
} as const satisfies Record<string, number>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** A failure that a person can act on. Bugs are plain Errors and end the process. */
export class PosternError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'PosternError';
    this.code = code;
  }

  get exitStatus(): number {
    return ERROR_CODES[this.code];
  }
}

/** What to do about an address that cannot be listened on, set by `--<flag>`. */
export function cannotListen(flag: string, address: string, cause: NodeJS.ErrnoException): PosternError {
  const [what, hint] = LISTEN_HINTS[cause.code ?? ''] ?? [
    `cannot be listened on: ${cause.code ?? cause.message}`,
    'choose another address',
  ];
  return new PosternError('LISTEN_FAILED', `${address} ${what}; ${hint} with --${flag}`, { cause });
}

const LISTEN_HINTS: Readonly<Record<string, readonly [string, string]>> = {
  EADDRINUSE: ['is already in use', 'stop the process that listens there, or choose another address'],
  EADDRNOTAVAIL: ['is not an address of this machine', 'choose one'],
  EACCES: ['may not be listened on by this user', 'choose a port above 1023'],
  ENOTFOUND: ['is a name without an address', 'choose an IP address'],
};

/** Why the system refused a file or folder, in words. */
export function systemReason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return SYSTEM_REASONS[code] ?? (code === '' ? String(error) : code);
}

const SYSTEM_REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOTDIR: 'a part of its path is not a folder',
  ELOOP: 'its symbolic links lead in a circle',
  ENAMETOOLONG: 'its name is too long',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left on the device',
};

export function errorAt(code: FindingCode, path: Path, message: string, hint: string): Finding {
  return { code, severity: 'error', path, message: withoutKeys(message), hint: withoutKeys(hint) };
}

/** A warning finding. */
export function warningAt(code: FindingCode, path: Path, message: string, hint: string): Finding {
  return { code, severity: 'warning', path, message: withoutKeys(message), hint: withoutKeys(hint) };
}

/** `FILE:LINE:COLUMN CODE message`, and the hint on the next line. */
export function formatDiagnostic(
  diagnostic: Omit<Diagnostic, 'code' | 'severity'> & { readonly code: string; readonly severity: Severity | 'info' },
): string {
  const { file, line, column, code, severity, message, hint } = diagnostic;
  const place = `${oneLine(file)}:${line}:${column}`;
  return `${place} ${code} ${severity === 'error' ? '' : `${severity}: `}${oneLine(message)}\n  ${oneLine(hint)}`;
}

/** Why a peer is denied: what is wrong with its trust bundle, as `CODE message`. */
export function denialReasons(diagnostics: readonly Diagnostic[], peer: string): readonly string[] {
  return diagnostics
    .filter(({ concernsPeer, severity }) => concernsPeer === peer && severity === 'error')
    .map(({ code, message }) => `${code} ${message}`);
}

export function hasErrors(findings: readonly Finding[]): boolean {
  return findings.some((finding) => finding.severity === 'error');
}

/** Whether the configuration as a whole cannot be served. */
export function hasBlockingErrors(findings: readonly Finding[]): boolean {
  return hasErrors(
    findings.filter(({ concernsPeer, concernsMesh, concernsExport }) =>
      [concernsPeer, concernsMesh, concernsExport].every((concerned) => concerned === undefined),
    ),
  );
}

/** Makes "cannot happen" a compile error where a case was forgotten, and a crash where a value lied about its type. */
export function unreachable(value: never): never {
  throw new Error(`unhandled case: ${String(value)}`);
}
