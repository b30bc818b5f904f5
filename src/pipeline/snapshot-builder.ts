// Builds snapshots from drafts, and rebuilds only the resources whose inputs changed.
// Must not: keep anything of a build that failed.

import type { Draft } from '../envoy/draft.ts';
import type { EncodedResource } from '../envoy/proto/codec.ts';
import type { ResourceJson } from '../envoy/proto/types.gen.ts';
import { areIdentical } from '../memoize.ts';
import { createResource, type Resource } from '../snapshot/resource.ts';
import { createSnapshot, type Snapshot } from '../snapshot/snapshot.ts';
import { referencesOf } from './references.ts';

export interface BuildSteps {
  readonly encode: (json: ResourceJson) => EncodedResource;
  /** Envoy's own rules for one resource; throws. */
  readonly checkResource: (resource: EncodedResource) => void;
  /** Our rules across all of them; throws. */
  readonly checkAll: (resources: readonly ResourceJson[]) => void;
}

interface Built {
  readonly inputs: readonly unknown[];
  readonly json: ResourceJson;
  readonly resource: Resource;
}

export class SnapshotBuilder {
  private built: ReadonlyMap<string, Built> = new Map();
  private snapshot: Snapshot | undefined;

  /** A builder that continues from the same build; what it builds does not affect this one. */
  copy(): SnapshotBuilder {
    const copy = new SnapshotBuilder();
    copy.built = this.built;
    copy.snapshot = this.snapshot;
    return copy;
  }

  /** Errors: those of the steps, and SNAPSHOT_INCONSISTENT; the next call starts from the last build that succeeded. */
  build(drafts: readonly Draft[], steps: BuildSteps): Snapshot {
    let changed = drafts.length !== this.built.size;
    const built = new Map<string, Built>();
    const all = drafts.map((draft) => {
      const key = `${draft.typeUrl} ${draft.name}`;
      const previous = this.built.get(key);
      const isSame = previous !== undefined && areIdentical(previous.inputs, draft.inputs);
      changed ||= !isSame;
      const current = isSame ? previous : buildOne(draft, steps, previous);
      built.set(key, current);
      return current;
    });
    // A duplicate name could hide that another name is gone; createSnapshot refuses it.
    changed ||= built.size !== drafts.length;
    if (!changed && this.snapshot !== undefined) return this.snapshot;
    steps.checkAll(all.map(({ json }) => json));
    const snapshot = createSnapshot(
      all.map(({ resource }) => resource),
      this.snapshot,
    );
    this.built = built;
    this.snapshot = snapshot;
    return snapshot;
  }
}

function buildOne(draft: Draft, steps: BuildSteps, previous: Built | undefined): Built {
  const json = draft.build();
  const encoded = steps.encode(json);
  steps.checkResource(encoded);
  const resource = createResource(encoded.typeUrl, encoded.name, encoded.body, referencesOf(json));
  // With other inputs and the same bytes, streams keep the object that they have.
  const isSame = previous?.resource.version === resource.version;
  return { inputs: draft.inputs, json, resource: isSame ? previous.resource : resource };
}
