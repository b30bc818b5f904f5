// Compiles the resolved model into one snapshot for each gateway: translates, encodes and checks its resources.
// Must not: publish, log, or read the clock. A resource that breaks a rule throws, and the call changes no state.

import { checkBoundary } from '../envoy/boundary/checks/boundary-check.ts';
import { encodeResource } from '../envoy/proto/codec.ts';
import { checkResource } from '../envoy/proto/pgv.ts';
import type { ResourceJson } from '../envoy/proto/types.gen.ts';
import { translate } from '../envoy/resources/gateway-resources.ts';
import type { Federation, GatewayRole } from '../federation/model.ts';
import type { RetiredName } from '../federation/transition/retired-names.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { GatewayIdentity } from '../trust/issuing/identities.ts';
import { expectationOf } from './gateway-expectation.ts';
import { SnapshotBuilder } from './snapshot-builder.ts';

export interface CompileInput {
  readonly federation: Federation;
  /** The certificate and key that a gateway presents to a peer, or to our own callers; undefined when they are files on its own disk. */
  readonly identity: (role: GatewayRole, peer: string | undefined) => GatewayIdentity | undefined;
  /** Retired names (federation/transition/retired-names.ts). */
  readonly retired: readonly RetiredName[];
  readonly throwawayRootPem: string;
}

export interface Compiled {
  readonly snapshots: ReadonlyMap<GatewayRole, Snapshot>;
  /** Continues from these snapshots. */
  readonly compiler: Pick<Compiler, 'compile'>;
}

/** A value that remembers what it compiled last: resources whose inputs are the same objects keep their bytes. */
export class Compiler {
  private readonly builders: ReadonlyMap<GatewayRole, SnapshotBuilder>;

  constructor(builders: ReadonlyMap<GatewayRole, SnapshotBuilder> = new Map()) {
    this.builders = builders;
  }

  /** Compiles only what changed since the snapshots of this compiler. Errors: RESOURCE_INVALID, BOUNDARY_VIOLATED, SNAPSHOT_INCONSISTENT. */
  compile(input: CompileInput): Compiled {
    const roles = (['ingress', 'egress'] as const).filter((role) => input.federation[role] !== undefined);
    // A gateway that is removed and added back gets its builder again.
    const builders = new Map(this.builders);
    const snapshots = new Map<GatewayRole, Snapshot>();
    for (const role of roles) {
      const builder = builders.get(role)?.copy() ?? new SnapshotBuilder();
      builders.set(role, builder);
      snapshots.set(role, compileGateway(builder, role, input));
    }
    return { snapshots, compiler: new Compiler(builders) };
  }
}

function compileGateway(builder: SnapshotBuilder, role: GatewayRole, input: CompileInput): Snapshot {
  const drafts = translate({ ...input, role, identity: (peer) => input.identity(role, peer) });
  const checkAll = (resources: readonly ResourceJson[]): void => checkBoundary(resources, expectationOf(input, role));
  return builder.build(drafts, { encode: encodeResource, checkResource, checkAll });
}
