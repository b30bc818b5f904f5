// The plan of one pair of grid configurations beside what the grid says, and in what they differ.
// Must not: look at the plan otherwise than as its text and its verdict.

import { planAnswer } from '../../../src/cli/plan/plan-report.ts';
import { planText } from '../../../src/cli/plan/plan-text.ts';
import type { ServedBy } from '../../../src/cli/questions/served.ts';
import { configNames, configTerms } from '../../../src/config/rule-places.ts';
import type { Question } from '../../../src/decision/answer/question.ts';
import { judge } from '../../../src/decision/connection.ts';
import type { Gateways } from '../../../src/decision/plan/plan.ts';
import { peerHello } from '../../../src/decision/tls/honest-client.ts';
import type { DifferentialPlaces } from '../../e2e/differential/differential-configs.ts';
import { type Ca, configOf, MeshUnderTest } from '../../envoy/pipeline.ts';
import { type GridConfig, gridYaml, IDENTITIES, PEERS } from './grid-configs.ts';
import { type Answer, answerTo, gridPoints, type Indexed, indexed, type Point } from './grid-points.ts';
import { isOf, type PlanLines, planLines, type ReachLine } from './plan-lines.ts';

/** Where nothing has to listen. */
export const GRID_PLACES: DifferentialPlaces = {
  ...{ ingress: 15443, egress: [8080, 8081, 8082, 8083], backends: [9001, 9002], peers: { p1: 9443, p2: 9444 } },
};

export interface GridPlan {
  readonly text: string;
  readonly verdict: string;
  readonly lines: PlanLines;
  readonly points: readonly { readonly point: Point; readonly was: Answer; readonly is: Answer }[];
  readonly from: Gateways;
  readonly to: Gateways;
  /** Peers, and the identities of their gateways, that are let in by one of the two alone. */
  readonly connections: readonly { readonly of: string; readonly isWider: boolean }[];
}

export async function gridPlan(
  from: GridConfig,
  to: GridConfig,
  places: DifferentialPlaces,
  cas: Map<string, Ca>,
  at: number,
): Promise<GridPlan> {
  const [old, next] = [side(from, places, cas, at), side(to, places, cas, at)];
  const answer = await planAnswer(old.servedBy, next.servedBy);
  const text = planText(answer);
  const points = gridPoints(from, to, places).map((point) => ({
    point,
    was: importedTo(from, point, places, answerTo(point, old.index, at)),
    is: importedTo(to, point, places, answerTo(point, next.index, at)),
  }));
  return {
    ...{ text, verdict: answer.report.verdict, lines: planLines(text), points },
    ...{ from: old.index.gateways, to: next.index.gateways },
    connections: [...peerConnections(old.index, next.index, at), ...portConnections(old.index, next.index, places, at)],
  };
}

function side(config: GridConfig, places: DifferentialPlaces, cas: Map<string, Ca>, at: number) {
  const yaml = gridYaml(config, places);
  const mesh = new MeshUnderTest(yaml, cas, at, config.denied);
  const parsed = configOf(yaml);
  const gateways: Gateways = { ingress: mesh.resources('ingress'), egress: mesh.resources('egress') };
  const about = {
    file: 'mesh.yaml',
    mesh: 'bank',
    trustDomain: 'bank.example',
    names: configNames(parsed),
    terms: configTerms(parsed),
    places: {},
  };
  const servedBy: ServedBy = async (gateway) => ({ ...about, gateway, resources: gateways[gateway] });
  return { servedBy, index: indexed(gateways) };
}

/** Of an import, the export that it stands for: peers have the same gateways in both. */
function importedTo({ imports }: GridConfig, point: Point, { egress }: DifferentialPlaces, answer: Answer): Answer {
  if (point.gateway === 'ingress' || answer === undefined) return answer;
  return imports
    .filter(({ as, port }) => `${as}:${egress[port]}` === point.target)
    .map(({ peer, name }) => `${name} of ${peer}`);
}

/** Whether the gateway takes a connection, of each identity that a peer's gateway may show. */
function peerConnections(old: Indexed, next: Indexed, at: number): GridPlan['connections'] {
  return PEERS.flatMap((peer) => {
    const honest = peerHello(old.gateways.ingress, peer, at) ?? peerHello(next.gateways.ingress, peer, at);
    const { certificate } = honest ?? {};
    if (honest === undefined || certificate === undefined) return [];
    return IDENTITIES.flatMap((identity) => {
      const uris = [`spiffe://${peer}.example/${identity}`];
      const question: Question = {
        hello: { ...honest, certificate: { ...certificate, uris } },
        at,
        isConnectionAlone: true,
      };
      return changed(peer, judge(old.ingress, question).verdict, judge(next.ingress, question).verdict);
    });
  });
}

/** Whether a port takes callers that prove nothing. */
function portConnections(
  old: Indexed,
  next: Indexed,
  { egress }: DifferentialPlaces,
  at: number,
): GridPlan['connections'] {
  return egress.flatMap((port) => {
    const question: Question = { port, at, isConnectionAlone: true };
    return changed(`port ${port}`, judge(old.egress, question).verdict, judge(next.egress, question).verdict);
  });
}

function changed(of: string, was: 'yes' | 'no', is: 'yes' | 'no'): GridPlan['connections'] {
  return was === is ? [] : [{ of, isWider: is === 'yes' }];
}

/** What the plan says and the grid does not, or the other way round. */
export function differencesOf({ lines, points, connections, verdict }: GridPlan): readonly string[] {
  const found: string[] = [];
  const asked = points.map(seen);
  for (const { point, was, is, gained, lost, backends } of asked) {
    const has = (sign: '+' | '-', leadsTo: Answer): boolean =>
      lines.reach.some((line) => line.sign === sign && isOf(line, point) && isThere(line, leadsTo));
    const about = JSON.stringify(point);
    if (gained && !has('+', is)) found.push(`no line + of ${about}`);
    if (lost && !has('-', was)) found.push(`no line - of ${about}`);
    for (const [sign, backend] of backends)
      if (
        !lines.bounds.some(
          (line) =>
            line.startsWith(`${sign} ingress `) &&
            line
              .replace(/^.* backend /, '')
              .split(', ')
              .includes(backend),
        )
      )
        found.push(`no line ${sign} of ${backend} for ${about}`);
  }
  for (const line of lines.reach) {
    const isMore = line.sign === '+';
    const all = asked.filter(({ point, was, is }) => isOf(line, point) && isThere(line, isMore ? is : was));
    const kept = all.filter(({ was, is, gained }) => was !== undefined && is !== undefined && !gained);
    const allowed = all.filter(({ was, is }) => (isMore ? is : was) !== undefined);
    if (!all.some(({ gained, lost }) => (isMore ? gained : lost)))
      found.push(`nothing changes that it says: ${line.text}`);
    if (line.isTcp !== undefined && line.isPart !== kept.length > 0)
      found.push(`${kept.length} points stay allowed of the line: ${line.text}`);
    // A line of a whole is of all that the other side allows.
    if (line.isTcp === undefined && kept.length > 0) found.push(`not all is lost: ${line.text}`);
    if (allowed.length === 0) found.push(`nobody may do what it says: ${line.text}`);
  }
  for (const { of, isWider } of connections) {
    const sign = isWider ? '+' : '-';
    const port = of.replace('port ', ':');
    const isBound = (line: string): boolean =>
      line.startsWith(`${sign} ingress ${of}: `) || line.startsWith(`${sign} egress ${of}: `);
    const isReach = (line: ReachLine): boolean =>
      line.sign === sign && (line.peer === of || line.target.endsWith(port));
    if (!lines.bounds.some(isBound) && !lines.reach.some(isReach))
      found.push(`no line ${sign} of connections of ${of}`);
  }
  const expected = verdictOf(asked, connections);
  if (verdict !== expected) found.push(`the verdict is ${verdict}, and the grid says ${expected}`);
  return found;
}

interface Seen {
  readonly point: Point;
  readonly was: Answer;
  readonly is: Answer;
  readonly gained: boolean;
  readonly lost: boolean;
  /** Those that it leads to on one side alone, of what is allowed on both. */
  readonly backends: readonly (readonly ['+' | '-', string])[];
}

function seen({ point, was, is }: GridPlan['points'][number]): Seen {
  // A local name that leads to another export is another thing; an export may have other backends.
  const isOther = point.gateway === 'egress' && was?.[0] !== is?.[0];
  const both = point.gateway === 'ingress' && was !== undefined && is !== undefined;
  return {
    ...{ point, was, is },
    gained: is !== undefined && (was === undefined || isOther),
    lost: was !== undefined && (is === undefined || isOther),
    backends: both
      ? [
          ...is.filter((one) => !was.includes(one)).map((one) => ['+', one] as const),
          ...was.filter((one) => !is.includes(one)).map((one) => ['-', one] as const),
        ]
      : [],
  };
}

function isThere({ leadsTo }: ReachLine, answer: Answer): boolean {
  return leadsTo === undefined || leadsTo === answer?.[0];
}

function verdictOf(asked: readonly Seen[], connections: GridPlan['connections']): string {
  const isSo = (of: 'gained' | 'lost', sign: '+' | '-'): boolean =>
    asked.some((one) => one[of] || one.backends.some(([a]) => a === sign)) ||
    connections.some(({ isWider }) => isWider === (sign === '+'));
  return isSo('gained', '+') ? 'wider' : isSo('lost', '-') ? 'narrower' : 'same';
}
