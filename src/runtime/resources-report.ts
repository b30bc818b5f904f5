// What a gateway is served, as the admin port shows it: the snapshot, and where its rules stand in the file that is applied.
// Must not: show a private key.

import { resolve } from 'node:path';
import type { ServedResources } from '../admin/resources-view.ts';
import { configNames, rulePlaces } from '../config/rule-places.ts';
import type { GatewayRole } from '../federation/model.ts';
import type { Publisher } from '../pipeline/publisher.ts';
import { shownResources } from '../pipeline/shown-resources.ts';

/** Undefined until a configuration is applied. A gateway that the mesh does not have is served nothing. */
export function resourcesReport({ applied, cache }: Publisher, gateway: GatewayRole): ServedResources | undefined {
  const { config, positions } = applied?.loaded.parsed ?? {};
  if (applied === undefined || config === undefined || positions === undefined) return undefined;
  const { file, text } = applied.loaded;
  return {
    gateway,
    file: resolve(file),
    trustDomain: config.mesh.trustDomain,
    names: configNames(config),
    places: rulePlaces(config, positions, text),
    resources: shownResources(cache.get(gateway)),
  };
}
