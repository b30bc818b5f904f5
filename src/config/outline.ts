// The part of a configuration that rules across objects can check although other parts have findings.
// Must not: let a value through that a finding is about, or an absent one that may only be mistyped: a rule that needs it is
// not checked, so that no finding is only the consequence of another.

import type { Finding, Path } from '../errors.ts';
import { isLabel } from '../host-port.ts';

/** A value of the file, or null: it is not usable, or it is absent and one of its neighbours has an unknown key. */
type Usable<T> = T | null;

/** A Config is an outline in which every value is usable. */
export interface ConfigOutline {
  readonly mesh: { readonly trustDomain: Usable<string>; readonly trustBundle?: Usable<string> };
  readonly identity: Usable<{ readonly issuer: OutlineIssuer } | { readonly files: unknown }>;
  readonly gateways: {
    readonly ingress?: Usable<{ readonly identity: Usable<string> }>;
    readonly egress?: Usable<{
      readonly identity: Usable<string>;
      readonly address: Usable<string>;
      readonly clients?: Usable<string>;
    }>;
  };
  readonly peers: readonly OutlinePeer[];
  /** Keys of peers that are no names, or are written twice; null when there may be others that cannot be read. Absent: none. */
  readonly unusablePeers?: Usable<readonly string[]>;
  /** At their indexes in the file. */
  readonly exports: readonly {
    readonly name: Usable<string>;
    readonly protocol: Usable<string>;
    /** Absent in the file: the backend is dialled without TLS. */
    readonly backendTls?: Usable<{ readonly mode: Usable<string>; readonly ca?: Usable<string> }>;
    readonly consumers: readonly { readonly peer: Usable<string>; readonly expires?: Usable<string> }[];
  }[];
  readonly imports: readonly {
    readonly peer: Usable<string>;
    readonly name: Usable<string>;
    readonly as: Usable<string>;
    readonly port: Usable<number>;
    readonly protocol: Usable<string>;
    readonly clients?: Usable<readonly unknown[]>;
  }[];
}

interface OutlineIssuer {
  readonly certificate: Usable<string>;
  readonly privateKey: Usable<string>;
}

export interface OutlinePeer {
  readonly name: string;
  readonly trustDomain: Usable<string>;
  readonly trustBundle: { readonly file: Usable<string> };
  /** Absent in the file: empty. */
  readonly addresses: Usable<readonly unknown[]>;
  readonly sni?: Usable<string>;
}

/** The outline of a file as plain data, with all findings about it. */
export function outlineOf(root: unknown, findings: readonly Finding[]): ConfigOutline {
  const file = new WrittenMap(root, [], new Faults(findings));
  const gateways = file.map('gateways');
  const [ingress, egress] = [gateways?.map('ingress'), gateways?.map('egress')];
  const peers = file.map('peers');
  const names = peers?.keys ?? [];
  return {
    mesh: meshOf(file.map('mesh')),
    identity: identityOf(file.map('identity')),
    gateways:
      gateways === null
        ? { ingress: null, egress: null }
        : {
            ...(ingress !== undefined && {
              ingress: ingress && { identity: identityPath(ingress, 'gateway/ingress') },
            }),
            ...(egress !== undefined && {
              egress: egress && {
                identity: identityPath(egress, 'gateway/egress'),
                address: text(egress.value('address')),
                ...optional('clients', egress.value('clients')),
              },
            }),
          },
    peers: names.filter(isLabel).map((name) => peerOf(name, peers?.map(name) ?? null)),
    unusablePeers:
      peers === null || peers?.mayHoldMore ? null : names.filter((name) => !isLabel(name) || peers?.holdsTwice(name)),
    exports: file.list('exports').map((exported) => ({
      name: text(exported?.value('name')),
      protocol: exported === null ? null : textOr(exported.value('protocol'), 'http'),
      ...backendTlsOf(exported),
      consumers: (exported?.list('consumers') ?? []).map((consumer) => ({
        peer: text(consumer?.value('peer')),
        ...optional('expires', consumer === null ? null : consumer.value('expires')),
      })),
    })),
    imports: file.list('imports').map((imported) => ({
      peer: text(imported?.value('peer')),
      name: text(imported?.value('name')),
      as: text(imported?.value('as')),
      port: number(imported?.value('port')),
      protocol: imported === null ? null : textOr(imported.value('protocol'), 'http'),
      ...clientsOf(imported),
    })),
  };
}

function meshOf(mesh: WrittenMap | null | undefined): ConfigOutline['mesh'] {
  if (mesh == null) return { trustDomain: null, trustBundle: null };
  return { trustDomain: text(mesh.value('trustDomain')), ...optional('trustBundle', mesh.value('trustBundle')) };
}

function identityOf(identity: WrittenMap | null | undefined): ConfigOutline['identity'] {
  const [issuer, files] = [identity?.map('issuer'), identity?.map('files')];
  if (issuer && files === undefined) {
    const [certificate, privateKey] = [text(issuer.value('certificate')), text(issuer.value('privateKey'))];
    return { issuer: { certificate, privateKey } };
  }
  return files && issuer === undefined ? { files } : null;
}

function peerOf(name: string, peer: WrittenMap | null): OutlinePeer {
  if (peer === null) return { name, trustDomain: null, trustBundle: { file: null }, addresses: null, sni: null };
  const addresses = peer.value('addresses');
  const bundle = peer.value('trustBundle');
  return {
    name,
    trustDomain: text(peer.value('trustDomain')),
    trustBundle: { file: typeof bundle === 'string' ? bundle : text(peer.map('trustBundle')?.value('file')) },
    addresses: addresses === undefined ? [] : Array.isArray(addresses) ? addresses : null,
    ...optional('sni', peer.value('sni')),
  };
}

function clientsOf(imported: WrittenMap | null): Pick<ConfigOutline['imports'][number], 'clients'> {
  const clients = imported === null ? null : imported.value('clients');
  return clients === undefined ? {} : { clients: Array.isArray(clients) ? clients : null };
}

function backendTlsOf(exported: WrittenMap | null): Pick<ConfigOutline['exports'][number], 'backendTls'> {
  // A text or a list has no TLS, also when an address in it is wrong.
  const backend = exported?.map('backend');
  const tls = backend?.value('tls');
  if (backend == null || tls === undefined) return {};
  return { backendTls: { mode: text(tls), ...optional('ca', backend.value('ca')) } };
}

function identityPath(gateway: WrittenMap, usual: string): string | null {
  return textOr(gateway.value('identity'), usual);
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function textOr(value: unknown, usual: string): string | null {
  return value === undefined ? usual : text(value);
}

function number(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

function optional<K extends string>(key: K, value: unknown): { readonly [key in K]?: string | null } {
  return value === undefined ? {} : ({ [key]: text(value) } as { readonly [key in K]?: string | null });
}

/** What errors say of paths. */
class Faults {
  private readonly wrong = new Map<string, Set<string>>();

  constructor(findings: readonly Finding[]) {
    for (const { severity, code, path } of findings) {
      if (severity !== 'error') continue;
      this.add(path, code);
      // The key may be another one, mistyped: each that is absent beside it.
      if (code === 'UNKNOWN_KEY') this.add(path.slice(0, -1), code);
    }
  }

  has(path: Path): boolean {
    return this.wrong.has(JSON.stringify(path));
  }

  isWrittenTwice(path: Path): boolean {
    return this.wrong.get(JSON.stringify(path))?.has('YAML_DUPLICATE_KEY') === true;
  }

  private add(path: Path, code: string): void {
    const key = JSON.stringify(path);
    const codes = this.wrong.get(key) ?? new Set();
    this.wrong.set(key, codes.add(code));
  }
}

/** A map of the file. Its members are undefined when they are not written, and null when they cannot be used. */
class WrittenMap {
  private readonly record: Readonly<Record<string, unknown>>;
  private readonly path: Path;
  private readonly faults: Faults;

  constructor(value: unknown, path: Path, faults: Faults) {
    this.record = isRecord(value) ? value : {};
    this.path = path;
    this.faults = faults;
  }

  get keys(): readonly string[] {
    return Object.keys(this.record);
  }

  /** Whether a key that is absent here may have been meant by what is here. */
  get mayHoldMore(): boolean {
    return this.faults.has(this.path);
  }

  holdsTwice(key: string): boolean {
    return this.faults.isWrittenTwice([...this.path, key]);
  }

  /** A member that is no map: null when any finding is about it. */
  value(key: string): unknown {
    const path = [...this.path, key];
    if (!Object.hasOwn(this.record, key)) return this.faults.has(path) || this.mayHoldMore ? null : undefined;
    return this.faults.has(path) ? null : this.record[key];
  }

  /** A member that is a map; a finding about the map as a whole leaves its members as they are. */
  map(key: string): WrittenMap | null | undefined {
    const value = this.member(key);
    if (value === undefined) return this.value(key) === null ? null : undefined;
    return isRecord(value) && !this.holdsTwice(key) ? new WrittenMap(value, [...this.path, key], this.faults) : null;
  }

  /** A member that is a list of maps, null for each item that is none. */
  list(key: string): readonly (WrittenMap | null)[] {
    const value = this.member(key);
    if (!Array.isArray(value) || this.holdsTwice(key)) return [];
    return value.map((item, index) =>
      isRecord(item) ? new WrittenMap(item, [...this.path, key, index], this.faults) : null,
    );
  }

  private member(key: string): unknown {
    return Object.hasOwn(this.record, key) ? this.record[key] : undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
