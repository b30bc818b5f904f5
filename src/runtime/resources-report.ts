// What a gateway is served, or was served before, as the admin port shows it: the snapshot, and where its rules stand in its file.
// Must not: show a private key.

import { resolve } from 'node:path';
import type { AskedSnapshot, ServedResources } from '../admin/resources-view.ts';
import { parseInWorker } from '../config/files/parse-in-worker.ts';
import { configNames, configTerms, rulePlaces } from '../config/rule-places.ts';
import type { GatewayRole } from '../federation/model.ts';
import type { Publisher } from '../pipeline/publisher.ts';
import { shownResources } from '../pipeline/shown-resources.ts';
import type { KeptSnapshots } from './kept-snapshots.ts';

/** It was parsed before, and in less. */
const DEADLINE_MS = 5000;

/** Undefined until a configuration is applied, and for a gateway that the mesh never had. Errors: the file cannot be parsed in time. */
export async function resourcesReport(
  { applied }: Publisher,
  snapshots: KeptSnapshots,
  gateway: GatewayRole,
  asked: AskedSnapshot,
): Promise<ServedResources | undefined> {
  const found = snapshots.find(gateway, asked);
  if (applied === undefined) return undefined;
  const { file, text } = found?.kept ?? applied.loaded;
  // Parsed files are large, and asked for rarely.
  const parsed = text === applied.loaded.text ? applied.loaded.parsed : await parseInWorker(text, DEADLINE_MS);
  const { config, positions } = parsed;
  if (config === undefined) throw new Error('a file that was served cannot be parsed');
  const { snapshot, publishedAt = applied.at, acknowledged = new Map<string, number>() } = found?.kept ?? {};
  return {
    gateway,
    mesh: config.mesh.name,
    file: resolve(file),
    trustDomain: config.mesh.trustDomain,
    names: configNames(config),
    terms: configTerms(config),
    places: rulePlaces(config, positions, text),
    resources: shownResources(snapshot),
    snapshot: {
      version: snapshot?.version ?? '',
      publishedAt: iso(publishedAt),
      acknowledged: [...acknowledged].map(([node, at]) => ({ node, at: iso(at) })),
      isNewest: found === undefined || snapshots.isNewest(gateway, found.kept),
      foundBy: found?.foundBy ?? 'newest',
      alsoPossible: (found?.alsoPossible ?? []).map(({ snapshot: { version } }) => version),
      keptSince: iso(snapshots.keptSince(gateway) ?? publishedAt),
    },
  };
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
