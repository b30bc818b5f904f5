// What a gateway is served, or was served before, as the admin port shows it: the snapshot, and where its rules stand in its file.
// Must not: show a private key, nor make two reports at a time: whoever reaches the admin port could keep the process from its gateways.

import { resolve } from 'node:path';
import type {
  AskedSnapshot,
  DeniedPeers,
  ResourcesAnswer,
  ServedResources,
  ServedSnapshot,
} from '../../admin/resources-view.ts';
import { parseInWorker } from '../../config/files/parse-in-worker.ts';
import { configNames, configTerms, rulePlaces } from '../../config/rule-places.ts';
import { denialReasons } from '../../errors.ts';
import type { GatewayRole } from '../../federation/model.ts';
import type { Applied, Publisher } from '../../pipeline/publisher.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import type { Found, KeptSnapshots } from './kept-snapshots.ts';
import { OneAtATime } from './one-at-a-time.ts';
import { resourcesText } from './resources-text.ts';

/** It was parsed before, and in less. */
const DEADLINE_MS = 5000;
const MOST_WAITING = 4;
/** The text of a large snapshot has tens of megabytes, and people ask several times within minutes or not at all. */
const KEPT_MS = 60_000;

interface Content {
  readonly snapshot: Snapshot | undefined;
  readonly text: string;
  /** All but `denied` and `snapshot` of the report: JSON without the last brace. */
  readonly body: readonly Uint8Array[];
}

export class ResourcesReports {
  private readonly publisher: Publisher;
  private readonly snapshots: KeptSnapshots;
  private readonly lookAtAcknowledged: () => Promise<void>;
  private readonly reports = new OneAtATime<ResourcesAnswer>(MOST_WAITING);
  /** Of the newest snapshot of each gateway, if it was asked for lately. */
  private readonly newest = new Map<GatewayRole, Content>();
  private forgetting: NodeJS.Timeout | undefined;

  constructor(publisher: Publisher, snapshots: KeptSnapshots, lookAtAcknowledged: () => Promise<void>) {
    this.publisher = publisher;
    this.snapshots = snapshots;
    this.lookAtAcknowledged = lookAtAcknowledged;
  }

  /**
   * Undefined until a configuration is applied; a gateway that the mesh never had has no resources. Errors: the file cannot be
   * parsed in time.
   */
  async report(gateway: GatewayRole, asked: AskedSnapshot): Promise<ResourcesAnswer> {
    const { applied } = this.publisher;
    // Who asks after a publication gets no report that was begun before it.
    const newest = this.snapshots.find(gateway, {})?.kept;
    const question = [gateway, asked.version, asked.at, asked.node, newest, applied];
    const report = this.reports.ask(question, () => this.make(gateway, asked));
    return report === undefined ? 'busy' : await report;
  }

  private async make(gateway: GatewayRole, asked: AskedSnapshot): Promise<ResourcesAnswer> {
    await this.lookAtAcknowledged();
    const found = this.snapshots.find(gateway, asked);
    const { applied } = this.publisher;
    if (applied === undefined) return undefined;
    const snapshot = this.aboutSnapshot(gateway, found, applied, asked.node);
    const body = await this.content(gateway, found, applied);
    const denied = JSON.stringify(deniedBy(applied));
    return [...body, Buffer.from(`,"denied":${denied},"snapshot":${JSON.stringify(snapshot)}}\n`)];
  }

  private async content(
    gateway: GatewayRole,
    found: Found | undefined,
    applied: Applied,
  ): Promise<readonly Uint8Array[]> {
    const { file, text } = found?.kept ?? applied.loaded;
    const snapshot = found?.kept.snapshot;
    const kept = this.newest.get(gateway);
    if (kept !== undefined && kept.snapshot === snapshot && kept.text === text) return kept.body;
    const isNewest = found === undefined || this.snapshots.isNewest(gateway, found.kept);
    const about = JSON.stringify(await aboutFile(gateway, file, text, applied));
    const body = [Buffer.from(`${about.slice(0, -1)},"resources":`), await resourcesText(snapshot)];
    if (isNewest) this.keep(gateway, { snapshot, text, body });
    return body;
  }

  private keep(gateway: GatewayRole, content: Content): void {
    this.newest.set(gateway, content);
    clearTimeout(this.forgetting);
    this.forgetting = setTimeout(() => this.newest.clear(), KEPT_MS).unref();
  }

  private aboutSnapshot(
    gateway: GatewayRole,
    found: Found | undefined,
    applied: Applied,
    own: string | undefined,
  ): ServedSnapshot {
    const { snapshots } = this;
    const { snapshot, publishedAt = applied.at, acknowledged = new Map<string, number>() } = found?.kept ?? {};
    const isNewest = found === undefined || snapshots.isNewest(gateway, found.kept);
    const { settlesAt } = this.publisher;
    return {
      version: snapshot?.version ?? '',
      publishedAt: iso(publishedAt),
      // The node that was asked about comes first, whoever else there is.
      acknowledged: [...acknowledged]
        .sort(([a], [b]) => Number(b === own) - Number(a === own))
        .map(([node, at]) => ({ node, at: iso(at) })),
      isNewest,
      ...(isNewest && settlesAt !== undefined && { settlesAt: iso(settlesAt) }),
      foundBy: found?.foundBy ?? 'newest',
      alsoPossible: (found?.alsoPossible ?? []).map(({ snapshot: { version } }) => version),
      keptSince: iso(snapshots.keptSince(gateway) ?? publishedAt),
    };
  }
}

function deniedBy({ resolved, warnings }: Applied): DeniedPeers {
  return Object.fromEntries(
    resolved.federation.deniedPeers.map(({ name }) => [name, denialReasons(warnings, name)] as const),
  );
}

async function aboutFile(
  gateway: GatewayRole,
  file: string,
  text: string,
  { loaded, resolved }: Applied,
): Promise<Omit<ServedResources, 'resources' | 'denied' | 'snapshot'>> {
  // Parsed files are large, and asked for rarely.
  const parsed = text === loaded.text ? loaded.parsed : await parseInWorker(text, DEADLINE_MS);
  const { config, positions } = parsed;
  if (config === undefined) throw new Error('a file that was served cannot be parsed');
  return {
    gateway,
    mesh: config.mesh.name,
    file: resolve(file),
    trustDomain: config.mesh.trustDomain,
    names: configNames(config),
    terms: configTerms(config, resolved.issuer?.certificate.fingerprint),
    places: rulePlaces(config, positions, text),
  };
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
