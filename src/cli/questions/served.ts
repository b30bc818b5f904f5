// The resources that a command asks about: those that a file would give (`-f`), or those that the running process serves.
// Must not: judge them, or hold a private key.

import { BUSY } from '../../admin/admin-routes.ts';
import type {
  AskedSnapshot,
  DeniedPeers,
  ServedNames,
  ServedResources,
  ServedSnapshot,
  ServedTerms,
} from '../../admin/resources-view.ts';
import { configNames, configTerms, rulePlaces } from '../../config/rule-places.ts';
import type { ResourceJson } from '../../envoy/proto/types.gen.ts';
import { denialReasons, type Finding, formatDiagnostic, PosternError } from '../../errors.ts';
import type { GatewayRole } from '../../federation/model.ts';
import { inOneLine } from '../../one-line.ts';
import { adminUrl, askAdmin, hasShape, isEnvoyAdmin, jsonIn } from '../admin-request.ts';
import { type Invocation, isOn } from '../command.ts';
import { resolvedConfiguration } from '../configuration.ts';

/** One gateway's resources, and what they were made of. */
export interface Served {
  readonly gateway: GatewayRole;
  readonly mesh: string;
  readonly file: string;
  readonly trustDomain: string;
  readonly names: ServedNames;
  readonly terms: ServedTerms;
  readonly places: Readonly<Record<string, number>>;
  readonly resources: readonly ResourceJson[];
  /** Of a file: it has errors, which deny single peers or exports, as `run` does. */
  readonly hasErrors?: boolean;
  /** Of the certificate that our gateways show, where the file is here. */
  readonly identityFindings?: readonly Pick<Finding, 'code' | 'message'>[];
  /** Absent for a process of an earlier version. */
  readonly denied?: DeniedPeers;
  /** Absent for those of a file. */
  readonly snapshot?: ServedSnapshot;
}

/**
 * Of a gateway that the mesh does not have, there are none. The process also answers for what it served before. A file is what
 * would be served at the time that is asked about: grants end.
 */
export type ServedBy = (gateway: GatewayRole, asked?: AskedSnapshot) => Promise<Served>;

/** Errors: RejectedConfig, CONFIG_UNREADABLE, ADMIN_UNREACHABLE. */
export async function servedResources(invocation: Invocation): Promise<ServedBy> {
  const file = invocation.flag('file');
  return file === undefined ? servedByProcess(invocation) : await servedByFile(invocation, file);
}

/** `instead`: what else can be asked when no process answers. */
export function servedByProcess(invocation: Invocation, instead = 'ask about a file with -f FILE'): ServedBy {
  return (gateway, asked) => fromProcess(invocation, instead, gateway, asked);
}

/** Errors: RejectedConfig, CONFIG_UNREADABLE. */
export async function servedByFile(invocation: Invocation, file: string): Promise<ServedBy> {
  const now = Date.now();
  const read = await resolvedConfiguration(file, now, { withoutKeys: isOn(invocation, 'without-keys') });
  const denying = read.diagnostics.filter(({ severity }) => severity === 'error');
  for (const finding of denying) invocation.stderr(`${formatDiagnostic(finding)}\n`);
  const { config, positions } = read.loaded.parsed;
  if (config === undefined) throw new Error('a resolved configuration without one');
  const [{ compileOnce }, { shownResources }] = await Promise.all([
    import('../compile-once.ts'),
    import('../../pipeline/shown-resources.ts'),
  ]);
  const compiled = new Map<number, ReturnType<typeof compileOnce>>();
  const compiledAt = async (at: number): ReturnType<typeof compileOnce> => {
    const known = compiled.get(at) ?? compileOnce(at === now ? read : (read.resolvedAt?.(at) ?? read), at);
    compiled.set(at, known);
    return await known;
  };
  // Also when nobody asks: a file that breaks a rule of the boundary is no answer.
  await compiledAt(now);
  const about = {
    file,
    mesh: config.mesh.name,
    trustDomain: config.mesh.trustDomain,
    names: configNames(config),
    terms: configTerms(config, read.issuer?.certificate.fingerprint),
    places: rulePlaces(config, positions, read.loaded.text),
    hasErrors: denying.length > 0,
    identityFindings: read.identityFindings ?? [],
    denied: Object.fromEntries(
      read.federation.deniedPeers.map(({ name }) => [name, denialReasons(read.diagnostics, name)] as const),
    ),
  };
  return async (gateway, { at = now } = {}) => {
    const { snapshots, placeholderPem } = await compiledAt(at);
    const resources = shownResources(snapshots.get(gateway), placeholderPem) as readonly ResourceJson[];
    return { ...about, gateway, resources };
  };
}

async function fromProcess(
  invocation: Invocation,
  instead: string,
  gateway: GatewayRole,
  asked: AskedSnapshot = {},
): Promise<Served> {
  const admin = adminUrl(invocation, 'admin');
  const fail = (why: string, cause?: unknown): PosternError =>
    new PosternError(
      'ADMIN_UNREACHABLE',
      `no resources from ${invocation.named('admin')} ${admin.host}: ${why}; start postern run, or ${instead}`,
      { cause },
    );
  const answer = await askAdmin(admin, `/resources/${gateway}${queryOf(asked)}`).catch((error: Error) => {
    throw fail(error.message, error);
  });
  if (isEnvoyAdmin(answer)) throw fail('what answers there is the admin port of an Envoy');
  if (answer.status === 503 && answer.body === BUSY)
    throw fail('postern run answers too many other requests for resources now; try again');
  if (answer.status === 503) throw fail('postern run answers, and does not serve yet');
  const served = jsonIn(answer);
  if (!isServed(served, gateway))
    throw fail(`what answers there (${answer.status}) is not the admin port of this Postern`);
  const { resources, ...about } = served;
  // The resources keep the lines of their certificates.
  return { ...inOneLine(about), gateway, resources: resources as readonly ResourceJson[] };
}

function isServed(value: unknown, gateway: GatewayRole): value is ServedResources & Record<string, unknown> {
  return (
    hasShape(value, {
      ...{ gateway: 'string', mesh: 'string', file: 'string', trustDomain: 'string', names: 'object', terms: 'object' },
      ...{ places: 'object', resources: 'array', snapshot: 'object' },
    }) &&
    value['gateway'] === gateway &&
    hasShape(value['names'], { peers: 'array', exports: 'array', imports: 'array' }) &&
    hasShape(value['terms'], { expires: 'object', connections: 'object' })
  );
}

function queryOf({ version, at, node }: AskedSnapshot): string {
  const query = new URLSearchParams({
    ...(version !== undefined && { version }),
    ...(at !== undefined && { at: new Date(at).toISOString() }),
    ...(node !== undefined && { node }),
  });
  return query.size === 0 ? '' : `?${query}`;
}
