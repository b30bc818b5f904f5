// What is being served, and how it becomes something else: one whole turn of the pipeline, published as its last step.
// In: loaded files, the time. Out: snapshots in the cache; the last configuration that was applied, and the last that was not.
// Must not: change anything that is served when a turn fails, whatever fails.

import type { LoadedConfig } from '../config/files/load.ts';
import { type Diagnostic, errorAt, type Finding, hasBlockingErrors } from '../errors.ts';
import type { Federation, GatewayRole } from '../federation/model.ts';
import { findingsOf, type Resolved, resolve } from '../federation/resolve.ts';
import {
  during,
  nextSettled,
  type Retired,
  retire,
  type Transitions,
  transitionsTo,
} from '../federation/transition.ts';
import { SnapshotCache } from '../snapshot/cache.ts';
import { emptySnapshot, type Snapshot } from '../snapshot/snapshot.ts';
import { GatewayIdentities } from '../trust/issuing/identities.ts';
import { createThrowawayRoot } from '../trust/issuing/issue.ts';
import { nextAuthorityNotice } from './authority-ends.ts';
import { Compiler } from './compile.ts';
import { identityNeeds, RejectedConfig } from './identity-needs.ts';

/** The last turn that succeeded. */
export interface Applied {
  readonly loaded: LoadedConfig;
  readonly resolved: Resolved;
  /** When this file was applied, in milliseconds since the epoch; what time alone changes later is not counted. */
  readonly at: number;
  /** Warnings, and errors that concern the trust of a single peer. */
  readonly warnings: readonly Diagnostic[];
}

export const ROLES: readonly GatewayRole[] = ['ingress', 'egress'];

export class Publication {
  readonly cache = new SnapshotCache();
  private readonly compiler: Pick<Compiler, 'compile'>;
  private held = new GatewayIdentities();
  private readonly throwawayRootPem: string;
  /** Names that ended since this process started, because their peer was removed or means something else. */
  private retired: readonly Retired[] = [];
  private transitions: Transitions = new Map();
  /** The last model with its transitions. */
  private served: Federation | undefined;
  private last: Applied | undefined;
  /** When the last turn that succeeded was, refreshes included. */
  private lastTurn: number;

  constructor(now: number, compiler: Pick<Compiler, 'compile'> = new Compiler()) {
    this.compiler = compiler;
    this.throwawayRootPem = createThrowawayRoot(now);
    this.lastTurn = now;
  }

  get applied(): Applied | undefined {
    return this.last;
  }

  /** The certificates that are served. */
  get identities(): GatewayIdentities {
    return this.held;
  }

  /** Errors: RejectedConfig, and what compiling throws; then everything is as it was. */
  apply(loaded: LoadedConfig, now: number): Applied {
    return this.turn(loaded, now, false);
  }

  /**
   * Applies what was applied last once more, for what time alone changes: grants end and identities are renewed also while
   * the file is broken. Errors: as `apply`.
   */
  refresh(now: number): Applied | undefined {
    return this.last === undefined ? undefined : this.turn(this.last.loaded, now, true);
  }

  private turn(loaded: LoadedConfig, now: number, refresh: boolean): Applied {
    const { config, outline = config } = loaded.parsed;
    const before = this.last?.resolved;
    const around = { files: loaded.files, now, previous: before, starting: before === undefined };
    if (config === undefined || hasBlockingErrors(loaded.findings)) {
      throw new RejectedConfig(loaded.diagnostics(outline && findingsOf({ config: outline, ...around })));
    }
    const { resolved, findings } = resolve({ config, ...around });
    const all = [...findings, ...(before === undefined ? [] : unchangeable(before.federation, config.mesh))];
    if (resolved === undefined || hasBlockingErrors(all)) throw new RejectedConfig(loaded.diagnostics(all));
    const { federation, issuer } = resolved;
    // Everything that can fail comes first; what it needs is computed beside what is served.
    const identities = this.held.copy();
    if (issuer === undefined) identities.clear();
    else {
      const lifetime = 'issuer' in config.identity ? config.identity.issuer.lifetimeSeconds : 0;
      identities.ensure(issuer, lifetime, identityNeeds(federation), now);
    }
    const warnings = loaded.diagnostics(findings);
    const transitions = transitionsTo(this.transitions, this.served, federation, now);
    const served = during(federation, transitions);
    const retired = retire(this.retired, this.served, served, now);
    const snapshots = this.compiler.compile({
      federation: served,
      identity: (role, peer) => identities.get(role, peer),
      retired,
      throwawayRootPem: this.throwawayRootPem,
    });
    // From here on nothing fails.
    this.held = identities;
    this.retired = retired;
    this.transitions = transitions;
    this.served = served;
    const at = refresh ? (this.last?.at ?? now) : now;
    this.last = { loaded, resolved, at, warnings };
    this.lastTurn = now;
    this.publish(snapshots);
    return this.last;
  }

  /** When something is due without any file having changed: a renewal, the end of a grant, a CA that begins or ends, a notice of that (milliseconds). */
  nextDue(): number | undefined {
    const resolved = this.last?.resolved;
    const notice = this.last === undefined ? undefined : nextAuthorityNotice(this.last.resolved, this.lastTurn);
    const times = [
      this.identities.nextRenewal(),
      resolved?.federation.nextExpiry,
      resolved?.nextTrustChange,
      notice,
      nextSettled(this.transitions),
    ];
    const due = times.filter((time) => time !== undefined);
    return due.length === 0 ? undefined : Math.min(...due);
  }

  private publish(snapshots: ReadonlyMap<GatewayRole, Snapshot>): void {
    for (const role of ROLES) {
      // A gateway that the configuration no longer has is left with nothing, rather than with what it had.
      const snapshot = snapshots.get(role) ?? (this.cache.get(role) === undefined ? undefined : emptySnapshot());
      if (snapshot !== undefined) this.cache.set(role, snapshot);
    }
  }
}

/** What a running process cannot change: its port, its CA and every identity are made for one trust domain. */
function unchangeable(before: Federation, mesh: { readonly trustDomain: string }): readonly Finding[] {
  if (before.mesh.trustDomain === mesh.trustDomain) return [];
  const message = `the trust domain was ${before.mesh.trustDomain} when this process started`;
  return [errorAt('MESH_CHANGED', ['mesh', 'trustDomain'], message, 'restart Postern to serve another mesh')];
}
