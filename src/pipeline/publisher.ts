// What is served, and how it becomes something else: one turn of the pipeline, whose last step publishes.
// A turn is prepared beside what is served, then committed as a whole.
// Must not: change anything that is served when a turn fails, whatever fails, now or at the next refresh.

import { randomBytes } from 'node:crypto';
import type { LoadedConfig } from '../config/files/load.ts';
import { type Diagnostic, errorAt, type Finding, hasBlockingErrors } from '../errors.ts';
import type { Federation, Gateway, GatewayRole, Peer } from '../federation/model.ts';
import { findingsOf, type Resolved, resolve, resolveSteps } from '../federation/resolve.ts';
import type { Served } from '../federation/transition.ts';
import { SnapshotCache } from '../snapshot/cache.ts';
import { emptySnapshot } from '../snapshot/snapshot.ts';
import { GatewayIdentities, type IdentityNeed } from '../trust/issuing/identities.ts';
import { createThrowawayRoot } from '../trust/issuing/issue.ts';
import type { Steps } from '../trust/keys/signers.ts';
import { nextCaNotice } from './ca-expiry.ts';
import { type Compiled, Compiler } from './compile.ts';
import { RejectedConfig } from './rejected-config.ts';
import { type RecordStore, ServedHistory } from './served-history.ts';

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

/** Everything that a turn brings, computed and not yet served. */
export interface Turn {
  readonly applied: Applied;
  readonly identities: GatewayIdentities;
  readonly served: Served;
  readonly compiled: Compiled;
  readonly now: number;
}

export interface PublisherOptions {
  readonly compiler?: Pick<Compiler, 'compile'>;
  /** Where the next process finds what this one has served. */
  readonly store?: RecordStore;
}

export class Publisher {
  readonly cache = new SnapshotCache();
  private readonly throwawayRootPem: string;
  private readonly history: ServedHistory;
  private compiler: Pick<Compiler, 'compile'>;
  /** The last turn that was committed, refreshes included. */
  private last: Turn | undefined;

  constructor(now: number, { compiler = new Compiler(), store }: PublisherOptions = {}) {
    this.compiler = compiler;
    this.throwawayRootPem = createThrowawayRoot(now);
    this.history = new ServedHistory(store, randomBytes(16).toString('hex'));
  }

  get applied(): Applied | undefined {
    return this.last?.applied;
  }

  /** The certificates that are served. */
  get identities(): GatewayIdentities {
    return this.last?.identities ?? new GatewayIdentities();
  }

  /** The work of `apply` with certificates, in steps: `apply` is quick after them, and they need not be done in one piece. */
  *steps({ parsed, files }: LoadedConfig, now: number): Steps {
    const { config, outline = config } = parsed;
    if (outline !== undefined) yield* resolveSteps({ config: outline, files, now });
  }

  /** Errors: RejectedConfig, and what compiling throws; then nothing has changed. */
  apply(loaded: LoadedConfig, now: number): Applied {
    return this.commit(this.prepare(loaded, now));
  }

  /**
   * Applies what was applied last once more, for what time alone changes: grants end and identities are renewed also while
   * the file is broken. Errors: as `apply`.
   */
  refresh(now: number): Applied | undefined {
    const { applied } = this;
    return applied === undefined ? undefined : this.commit(this.prepare(applied.loaded, now, applied.at));
  }

  /** Computes a turn beside what is served. `at`: when the file was applied. Errors: as `apply`. */
  prepare(loaded: LoadedConfig, now: number, at = now): Turn {
    const { config, outline = config } = loaded.parsed;
    const before = this.applied?.resolved;
    const around = {
      files: loaded.files,
      loadFindings: loaded.findings,
      now,
      previous: before,
      starting: before === undefined,
    };
    if (config === undefined || hasBlockingErrors(loaded.findings)) {
      throw new RejectedConfig(loaded.diagnostics(outline && findingsOf({ config: outline, ...around })));
    }
    const { resolved, findings } = resolve({ config, ...around });
    const all = [...findings, ...(before === undefined ? [] : unchangeable(before.federation, config.mesh))];
    if (resolved === undefined || hasBlockingErrors(all)) throw new RejectedConfig(loaded.diagnostics(all));
    const { federation, issuer } = resolved;
    const identities = this.identities.copy();
    if (issuer === undefined) identities.clear();
    else {
      const lifetime = 'issuer' in config.identity ? config.identity.issuer.lifetimeSeconds : 0;
      identities.ensure(issuer, lifetime, identityNeeds(federation), now);
    }
    const served = this.history.plan(federation, now);
    const compiled = this.compile(served, identities);
    const applied = { loaded, resolved, at, warnings: loaded.diagnostics(findings) };
    return { applied, identities, served, compiled, now };
  }

  /** Serves a turn that was prepared since the last commit. Errors: as `apply`. */
  commit(turn: Turn): Applied {
    const { served, compiled } = this.recorded(turn);
    // From here on nothing fails.
    this.history.commit(served);
    this.compiler = compiled.compiler;
    this.last = { ...turn, served, compiled };
    for (const role of ROLES) {
      // A gateway that the configuration no longer has is left with nothing, rather than with what it had.
      const snapshot = compiled.snapshots.get(role) ?? (this.cache.get(role) && emptySnapshot());
      if (snapshot !== undefined) this.cache.set(role, snapshot);
    }
    return turn.applied;
  }

  /** What is served must be on disk before it is published: the next process goes on from there. */
  private recorded(turn: Turn): Pick<Turn, 'served' | 'compiled'> {
    if (this.history.record(turn.served, turn.now)) return turn;
    const served = this.history.planUnrecorded(turn.applied.resolved.federation, turn.now);
    return { served, compiled: this.compile(served, turn.identities) };
  }

  private compile({ federation, ended }: Served, identities: GatewayIdentities): Compiled {
    return this.compiler.compile({
      federation,
      identity: (role, peer) => identities.get(role, peer),
      retired: ended,
      throwawayRootPem: this.throwawayRootPem,
    });
  }

  /** When something is due without any file having changed: a renewal, the end of a grant, a CA that begins or ends, a notice of that (milliseconds). */
  nextDue(): number | undefined {
    if (this.last === undefined) return undefined;
    const { applied, identities, served, now } = this.last;
    const times = [
      identities.nextRenewal(),
      applied.resolved.federation.nextExpiry,
      applied.resolved.nextTrustChange,
      nextCaNotice(applied.resolved, now),
      served.nextSettled,
    ];
    const due = times.filter((time) => time !== undefined);
    return due.length === 0 ? undefined : Math.min(...due);
  }
}

/** What a running process cannot change: its port, its CA and every identity are made for one trust domain. */
function unchangeable(before: Federation, mesh: { readonly trustDomain: string }): readonly Finding[] {
  if (before.mesh.trustDomain === mesh.trustDomain) return [];
  const message = `the trust domain was ${before.mesh.trustDomain} when this process started`;
  return [errorAt('MESH_CHANGED', ['mesh', 'trustDomain'], message, 'restart Postern to serve another mesh')];
}

/**
 * An identity for each peer that a gateway meets, so that no key is shared between peers: an ingress gateway meets every peer,
 * an egress gateway those that it imports from.
 */
function identityNeeds({ peers, imports, ingress, egress }: Federation): readonly IdentityNeed[] {
  const imported = new Set(imports.filter(({ denied }) => !denied).map(({ peer }) => peer));
  return [
    ...(ingress === undefined ? [] : peers.map((peer) => needOf(ingress, peer))),
    ...(egress === undefined
      ? []
      : peers.filter((peer) => imported.has(peer.name)).map((peer) => needOf(egress, peer))),
  ];
}

function needOf({ role, identity }: Gateway, { name, trustDomain }: Peer): IdentityNeed {
  return { role, peer: name, trustDomain, id: identity };
}
