// What `postern plan` reports: the plan of the resources, with what only the configurations know, and its verdict.
// Must not: call what widens in time, or in number, the same.

import type { ServedTerms } from '../../admin/resources-view.ts';
import type { PlaceChange } from '../../decision/plan/place-changes.ts';
import { type Plan, planOf } from '../../decision/plan/plan.ts';
import type { Reach } from '../../decision/reach-set.ts';
import type { Served, ServedBy } from '../questions/served.ts';

/** A grant that ends at another time, another limit of a bootstrap, or who we are to others, which is neither wider nor narrower. */
export interface TermChange {
  readonly of: string;
  readonly kind: 'expires' | 'connections of the gateway' | 'identity' | 'file of CAs';
  readonly isWider: boolean;
  readonly from?: string | number;
  readonly to?: string | number;
}

/** What a peer or a backend decides by its own files: the gateways' resources do not say whether it goes on. */
export interface Doubt {
  /** `gateways.egress.identity`, `identity.files.certificate`. */
  readonly of: string;
  /** The peers whose gateways have to accept what ours show. */
  readonly peers: readonly string[];
  readonly why: string;
  /** It fails, whatever they accept. */
  readonly isCertain: boolean;
}

/** The shape of `-o json`; fields are added, never renamed. */
export interface PlanReport extends Omit<Plan, 'before' | 'after' | 'places'> {
  readonly from: string;
  readonly to: string;
  readonly verdict: 'wider' | 'narrower' | 'same';
  readonly bounds: readonly (PlaceChange | TermChange)[];
  readonly mayBeLost: readonly Doubt[];
}

export interface PlanAnswer {
  readonly report: PlanReport;
  readonly before: readonly Reach[];
  readonly after: readonly Reach[];
  readonly served: Served;
  readonly wasServed: Served;
}

/** Errors: UNJUDGED. */
export async function planAnswer(before: ServedBy, after: ServedBy): Promise<PlanAnswer> {
  const [old, next] = [
    { ingress: await before('ingress'), egress: await before('egress') },
    { ingress: await after('ingress'), egress: await after('egress') },
  ];
  const {
    before: had,
    after: has,
    places,
    ...plan
  } = planOf(
    { ingress: old.ingress.resources, egress: old.egress.resources },
    { ingress: next.ingress.resources, egress: next.egress.resources },
  );
  // While all CAs are here, they are compared themselves, wherever they come from.
  const isTrustKnown = plan.notCompared.length === 0 && plan.notKnown.length === 0;
  const bounds = [
    ...places,
    ...(isTrustKnown ? [] : fileChanges(old.ingress.terms.trustFiles, next.ingress.terms.trustFiles)),
    ...identityChanges({ 'mesh.name': old.ingress.mesh }, { 'mesh.name': next.ingress.mesh }),
    ...termChanges(old.ingress.terms, next.ingress.terms),
  ];
  const isHidden = plan.notJudged.length > 0 || plan.notCompared.length > 0;
  const widens = isHidden || plan.gained.length > 0 || bounds.some(({ isWider }) => isWider);
  const mayBeLost = doubts(bounds, next.ingress);
  const narrows =
    plan.lost.length > 0 ||
    mayBeLost.some(({ isCertain }) => isCertain) ||
    bounds.some(({ kind }) => kind !== 'identity');
  const verdict = widens ? 'wider' : narrows ? 'narrower' : 'same';
  const report = { from: old.ingress.file, to: next.ingress.file, verdict, bounds, mayBeLost, ...plan } as const;
  return { report, before: had, after: has, served: next.ingress, wasServed: old.ingress };
}

/** Of what both configurations have; the rest is in what is reached. */
function termChanges(before: ServedTerms, after: ServedTerms): readonly TermChange[] {
  return [
    ...changesOf('expires', before.expires, after.expires),
    ...changesOf('connections of the gateway', before.connections, after.connections),
    ...identityChanges(before.identities, after.identities),
  ];
}

/** Another file may have other CAs; of a file that only one side names, the CAs are in what is reached. */
function fileChanges(before: Files = {}, after: Files = {}): readonly TermChange[] {
  return Object.keys(after)
    .sort()
    .flatMap((of) => {
      const [from, to] = [before[of], after[of]];
      return from === undefined || to === undefined || from === to
        ? []
        : [{ of, kind: 'file of CAs' as const, isWider: true, from, to }];
    });
}

type Files = ServedTerms['trustFiles'];

/** Also what only one of the two has: peers and backends judge us by it. */
function identityChanges(
  before: ServedTerms['identities'] = {},
  after: ServedTerms['identities'] = {},
): readonly TermChange[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].sort().flatMap((of) => {
    const [from, to] = [before[of], after[of]];
    if (from === to) return [];
    return [
      {
        of,
        kind: 'identity' as const,
        isWider: false,
        ...(from !== undefined && { from }),
        ...(to !== undefined && { to }),
      },
    ];
  });
}

/** Only of what changes: who we are stays as the peers know it otherwise. */
function doubts(bounds: PlanReport['bounds'], { names, identityFindings = [] }: Served): readonly Doubt[] {
  const peers = names.peers.map(({ name }) => name);
  const changed = bounds.filter(({ kind, of, to }) => kind === 'identity' && of !== 'mesh.name' && to !== undefined);
  const isOtherCertificate = changed.some(({ of }) => of.startsWith('identity.'));
  return [
    ...changed.map(({ of }) => ({ of, peers, why: WHY[of] ?? '', isCertain: false })),
    ...(isOtherCertificate ? identityFindings : []).map(({ message }) => ({
      of: 'identity.files.certificate',
      peers,
      why: message,
      isCertain: true,
    })),
  ];
}

const NEW_CERTIFICATE =
  'must accept the new certificate: a CA in their bundle for us, our identities, the kind of its key';
const NEW_NAME = 'must have it in the identities that they accept of us';
const WHY: Readonly<Record<string, string>> = {
  'identity.issuer': NEW_CERTIFICATE,
  'identity.files': NEW_CERTIFICATE,
  'gateways.ingress.identity': NEW_NAME,
  'gateways.egress.identity': NEW_NAME,
};

type Terms = Readonly<Record<string, string | number | null>>;

/** Dates of one form compare as their texts do; null is never, or no limit. */
function changesOf(kind: TermChange['kind'], before: Terms, after: Terms): readonly TermChange[] {
  return Object.keys(after)
    .sort()
    .flatMap((of) => {
      const [from, to] = [before[of], after[of]];
      if (from === undefined || to === undefined || from === to) return [];
      const isWider = to === null || (from !== null && to > from);
      return [{ of, kind, isWider, ...(from !== null && { from }), ...(to !== null && { to }) }];
    });
}
