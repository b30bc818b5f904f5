// Runs the turns of the pipeline and publishes their snapshots.
// A turn is prepared without touching the served state, then committed as a whole.
// Must not: change the served state when a turn fails, neither now nor at the next refresh.

import { randomBytes } from 'node:crypto';
import type { LoadedConfig } from '../config/files/load.ts';
import { type Diagnostic, errorAt, type Finding, hasBlockingErrors } from '../errors.ts';
import type { Federation, Gateway, GatewayRole, Peer } from '../federation/model.ts';
import { findingsOf, type Resolved, resolve, resolveSteps } from '../federation/resolve/resolve.ts';
import type { Served } from '../federation/transition/transition.ts';
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
  /** When this file was applied, in milliseconds since the epoch; later refreshes do not change it. */
  readonly at: number;
  /** Warnings, and errors that concern the trust of a single peer. */
  readonly warnings: readonly Diagnostic[];
}

export const ROLES: readonly GatewayRole[] = ['ingress', 'egress'];

/** Everything that a turn changes, computed and not yet served. */
export interface Turn {
  readonly applied: Applied;
  readonly identities: GatewayIdentities;
  readonly served: Served;
  readonly compiled: Compiled;
  readonly now: number;
}

export interface PublisherOptions {
  readonly compiler?: Pick<Compiler, 'compile'>;
  /** The record of what this process served, for the next one. */
  readonly store?: RecordStore;
  /** A clock in milliseconds that nobody sets. */
  readonly uptime?: () => number;
}

export class Publisher {
  readonly cache = new SnapshotCache();
  private readonly throwawayRootPem: string;
  private readonly history: ServedHistory;
  private compiler: Pick<Compiler, 'compile'>;
  /** The last turn that was committed, refreshes included. */
  private last: Turn | undefined;

  constructor(now: number, { compiler = new Compiler(), store, uptime }: PublisherOptions = {}) {
    this.compiler = compiler;
    this.throwawayRootPem = createThrowawayRoot(now);
    this.history = new ServedHistory({ store, uptime, random: () => randomBytes(16).toString('hex') });
  }

  get applied(): Applied | undefined {
    return this.last?.applied;
  }

  /** Until when peers are served less than the configuration allows, because gateways may hold the one before; undefined: nobody is. */
  get settlesAt(): number | undefined {
    return this.last?.served.nextSettled;
  }

  /** The certificates that are served. */
  get identities(): GatewayIdentities {
    return this.last?.identities ?? new GatewayIdentities();
  }

  /** The work of `apply` with certificates, in steps, between which other work may run; `apply` is quick after them. */
  *steps({ parsed, files }: LoadedConfig, now: number): Steps {
    const { config, outline = config } = parsed;
    if (outline !== undefined) yield* resolveSteps({ config: outline, files, now });
  }

  /** Errors: RejectedConfig, and those of compiling; nothing has changed then. */
  apply(loaded: LoadedConfig, now: number): Applied {
    return this.commit(this.prepare(loaded, now));
  }

  /**
   * Applies the last configuration once more, for changes that come with time: grants end and identities are renewed even while
   * the file is invalid. Errors: as `apply`.
   */
  refresh(now: number): Applied | undefined {
    const { applied } = this;
    return applied === undefined ? undefined : this.commit(this.prepare(applied.loaded, now, applied.at));
  }

  /** Computes a turn without touching the served state. `at`: when the file was applied. Errors: as `apply`. */
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

  /** Whether the record was changed since the last turn, by another process or from a backup: call `refresh`. */
  isBehindRecord(): boolean {
    return this.history.isBehind();
  }

  /** Serves a turn that was prepared since the last commit. Errors: as `apply`. */
  commit(turn: Turn): Applied {
    const { served, compiled } = this.recorded(turn);
    // From here on nothing fails.
    this.history.commit(served);
    this.compiler = compiled.compiler;
    this.last = { ...turn, served, compiled };
    for (const role of ROLES) {
      // A gateway that is no longer configured gets an empty snapshot, and does not keep its last one.
      const snapshot = compiled.snapshots.get(role) ?? (this.cache.get(role) && emptySnapshot());
      if (snapshot !== undefined) this.cache.set(role, snapshot);
    }
    return turn.applied;
  }

  /** The record must be on disk before its state is published, because the next process continues from it. */
  private recorded(turn: Turn): Pick<Turn, 'served' | 'compiled'> {
    const { federation } = turn.applied.resolved;
    const compiled = (served: Served): Pick<Turn, 'served' | 'compiled'> => ({
      served,
      compiled: this.compile(served, turn.identities),
    });
    // Another process may have written it since the turn was prepared.
    const planned = this.history.isBehind() ? compiled(this.history.plan(federation, turn.now)) : turn;
    return this.history.record(planned.served) ? planned : compiled(this.history.planUnrecorded(federation, turn.now));
  }

  private compile({ federation, retired }: Served, identities: GatewayIdentities): Compiled {
    return this.compiler.compile({
      federation,
      identity: (role, peer) => identities.get(role, peer),
      retired,
      throwawayRootPem: this.throwawayRootPem,
    });
  }

  /** When the next turn is due without a file change (milliseconds): a renewal, the end of a grant, a CA that begins or ends, or a notice of it. */
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

/** A running process cannot change its trust domain: its CA and every identity are made for one. */
function unchangeable(before: Federation, mesh: { readonly trustDomain: string }): readonly Finding[] {
  if (before.mesh.trustDomain === mesh.trustDomain) return [];
  const message = `the trust domain was ${before.mesh.trustDomain} when this process started`;
  return [errorAt('MESH_CHANGED', ['mesh', 'trustDomain'], message, 'restart Postern to serve another mesh')];
}

/**
 * An identity for each peer that a gateway meets, so that no key is shared between peers: an ingress gateway meets every peer,
 * an egress gateway those that it imports from. Without a peer: one for backends of our own mesh that the gateway proves itself to,
 * and one for our own callers, if they prove who they are.
 */
function identityNeeds({
  mesh,
  peers,
  grants,
  imports,
  ingress,
  egress,
  callers,
}: Federation): readonly IdentityNeed[] {
  const meetsWorkloads = grants.some(({ export: { tls } }) => tls?.mode === 'mtls');
  const imported = new Set(imports.filter(({ denied }) => !denied).map(({ peer }) => peer));
  return [
    ...(ingress === undefined ? [] : peers.map((peer) => needOf(ingress, peer))),
    ...(ingress === undefined || !meetsWorkloads
      ? []
      : [{ role: ingress.role, trustDomain: mesh.trustDomain, id: ingress.identity }]),
    ...(egress === undefined
      ? []
      : peers.filter((peer) => imported.has(peer.name)).map((peer) => needOf(egress, peer))),
    ...(egress === undefined || callers === undefined || callers.names.length === 0
      ? []
      : [{ role: egress.role, trustDomain: mesh.trustDomain, id: egress.identity, dnsNames: callers.names }]),
  ];
}

function needOf({ role, identity }: Gateway, { name, trustDomain }: Peer): IdentityNeed {
  return { role, peer: name, trustDomain, id: identity };
}
