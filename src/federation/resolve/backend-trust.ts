// Resolves the CA certificates that exports name for their backends, each from its file; without a usable one, the export is denied.
// Must not: let a finding about one export's file change another export.

import type { ConfigOutline } from '../../config/outline.ts';
import type { Config } from '../../config/schema/config.ts';
import { quote } from '../../config/schema/values/string-checks.ts';
import { errorAt, type Finding, warningAt } from '../../errors.ts';
import { type CaFile, caFileOf, parseCaFile } from '../../trust/bundle.ts';
import { spiffeId } from '../../trust/spiffe.ts';
import { caKey } from '../meaning-digest.ts';
import type { BackendCa, BackendTls, Federation, Mesh } from '../model.ts';

export interface BackendTrustInput {
  readonly config: Pick<ConfigOutline, 'exports'>;
  readonly files: ReadonlyMap<string, Buffer>;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly previous?: { readonly federation: Federation } | undefined;
  /** Exports whose file does not exist here and is not needed: `--without-keys`. Never set by what serves. */
  readonly absentExports?: ReadonlySet<string>;
}

export interface BackendTrust {
  /** By export; one that is missing here is denied, if it names a CA. */
  readonly cas: ReadonlyMap<string, BackendCa>;
  /** Exports whose file could not be read: they keep the CAs that were read before. */
  readonly keptCas: ReadonlySet<string>;
  /** Each concerns one export. */
  readonly findings: readonly Finding[];
  /** When a certificate of one of the files becomes valid or expires (milliseconds since the epoch). */
  readonly times: readonly number[];
}

export function resolveBackendTrust(input: BackendTrustInput): BackendTrust {
  const { files, now, absentExports } = input;
  const cas = new Map<string, BackendCa>();
  const keptCas = new Set<string>();
  const findings: Finding[] = [];
  const times: number[] = [];
  const known = new Map(input.previous?.federation.backendCas.map((ca) => [ca.key, ca]));
  const add = (name: string, ca: CaFile): void => {
    const key = caKey(ca);
    cas.set(name, known.get(key) ?? { ...ca, key });
  };
  input.config.exports.forEach(({ name, backendTls }, index) => {
    const file = backendTls?.ca;
    if (name === null || file == null) return;
    if (absentExports?.has(name)) {
      add(name, { certificates: [], pem: '', fingerprint: '' });
      return;
    }
    const bytes = files.get(file);
    const parsed = bytes && parseCaFile(bytes, `the backend of ${name}`, now);
    const path = ['exports', index, 'backend', 'ca'];
    for (const { severity, code, message, hint } of parsed?.findings ?? []) {
      const found = severity === 'error' ? errorAt : warningAt;
      const text = `${message.replace('the trust bundle', 'the CA file of the backend')} (${quote(file)})`;
      findings.push({ ...found(code, path, text, hint), concernsExport: name });
    }
    // FILE_UNREADABLE is among the findings of loading.
    const isUnreadable = parsed === undefined || parsed.isUnreadable === true;
    const ca = isUnreadable ? stillValid(input, name) : parsed.bundle;
    if (ca !== undefined) add(name, ca);
    if (ca !== undefined && isUnreadable) keptCas.add(name);
    times.push(...(ca?.certificates ?? []).map(({ notAfter }) => notAfter), ...(parsed?.times ?? []));
  });
  return { cas, keptCas, findings, times: times.filter((time) => time > now) };
}

/** What is served for the same export, as far as it is valid: a file that cannot be read neither trusts nor distrusts a CA. */
function stillValid({ previous, now }: BackendTrustInput, name: string): CaFile | undefined {
  const tls = previous?.federation.exports.find((exported) => exported.name === name)?.tls;
  const ca = previous?.federation.backendCas.find(({ key }) => key === tls?.trust);
  const certificates = (ca?.certificates ?? []).filter(({ notBefore, notAfter }) => notBefore <= now && now < notAfter);
  if (ca === undefined || certificates.length === 0) return undefined;
  return certificates.length === ca.certificates.length ? ca : caFileOf(certificates);
}

/** The TLS of the backend of an export; with an empty `trust` where the CAs that it needs are not usable. */
export function backendTlsOf(
  { trustDomain, bundle }: Mesh,
  { cas }: BackendTrust,
): (exported: Pick<Config['exports'][number], 'name' | 'backendTls'>) => BackendTls | undefined {
  return ({ name, backendTls: tls }) => {
    switch (tls?.mode) {
      case undefined:
        return undefined;
      case 'mtls':
        return { mode: 'mtls', identity: spiffeId(trustDomain, tls.identity), trust: bundle?.key ?? '' };
      case 'simple':
        return { mode: 'simple', serverName: tls.serverName, trust: cas.get(name)?.key ?? '' };
    }
  };
}

/** Each once, in the order of the names of the exports that need them first. */
export function casOf({ cas }: BackendTrust): readonly BackendCa[] {
  const named = [...cas].sort(([a], [b]) => (a < b ? -1 : 1));
  return [...new Map(named.map(([, ca]) => [ca.key, ca])).values()];
}
