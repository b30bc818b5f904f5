// `postern who`: everybody who reaches an export, or who of our own workloads reaches an import, with the rule of each.
// Must not: ask the model; the resources answer.

import type { Span } from '../../../decision/matching/alternatives.ts';
import { reach } from '../../../decision/reach.ts';
import type { Reach } from '../../../decision/reach-set.ts';
import { EXIT } from '../../../errors.ts';
import { localNames } from '../../../federation/wire-names.ts';
import { outputFormat, type Run } from '../../command.ts';
import { unknownName } from '../../questions/asked-question.ts';
import { placeOf } from '../../questions/rule-place.ts';
import { type Served, servedResources } from '../../questions/served.ts';
import { shownReach } from '../../questions/shown-reach.ts';
import { table } from '../../table.ts';

export const who: Run = async (invocation) => {
  const output = outputFormat(invocation, ['text', 'json'] as const, 'text');
  const [name = ''] = invocation.positionals;
  const servedBy = await servedResources(invocation);
  const found = [ofExport(name, await servedBy('ingress')), ofImport(name, await servedBy('egress'))];
  const known = found.filter((one) => one !== undefined);
  const { names, file } = await servedBy('ingress');
  const all = [...names.exports.map((one) => one.name), ...names.imports.map(({ as, port }) => `${as}:${port}`)];
  if (known.length === 0) throw unknownName('export or import', name, all, file);
  const entries = known.flatMap(({ served, reached }) =>
    reached.map((entry) => {
      const place = placeOf(entry.rule, served, served.names.imports.filter(isReachedBy(entry)));
      return { ...entry, ...(place !== undefined && { place }) };
    }),
  );
  if (output === 'json') invocation.stdout(`${JSON.stringify({ name, reached: shownReach(entries) }, null, 2)}\n`);
  else invocation.stdout(entries.length === 0 ? `nobody reaches ${name}\n` : textOf(entries));
  return EXIT.ok;
};

interface Found {
  readonly served: Served;
  readonly reached: readonly Reach[];
}

function ofExport(name: string, served: Served): Found | undefined {
  if (!served.names.exports.some((one) => one.name === name)) return undefined;
  return { served, reached: reach(served.resources).filter(({ service }) => service === name) };
}

/** By its local name, with or without the port. A name has several spellings, and each is an entry of the resources. */
function ofImport(text: string, served: Served): Found | undefined {
  const [, name = '', digits] = /^(.*?)(?::(\d+))?$/.exec(text) ?? [];
  const isPort = (port: number | undefined): boolean => digits === undefined || port === Number(digits);
  const tcp = served.names.imports.filter((one) => one.protocol === 'tcp' && one.as === name && isPort(one.port));
  const all = reach(served.resources);
  const reached = all.filter(
    (one) =>
      isPort(one.port) && (one.host === name || (one.protocol === 'tcp' && tcp.some(({ port }) => port === one.port))),
  );
  const isKnown = served.names.imports.some(({ as, port }) => as === name && isPort(port));
  return isKnown || reached.length > 0 ? { served, reached } : undefined;
}

/** A name has other spellings beside that of the file. */
function isReachedBy({ port, host, protocol }: Reach): (one: Served['names']['imports'][number]) => boolean {
  return (one) => one.port === port && (protocol === 'tcp' || localNames(one.as).includes(host ?? ''));
}

/** One line for each caller and rule. */
function textOf(entries: readonly (Reach & { readonly place?: string | undefined })[]): string {
  const rows = new Map<string, (typeof entries)[number][]>();
  for (const entry of entries) {
    const key = JSON.stringify([entry.gateway, entry.peer, entry.port, callerOf(entry), entry.rule, entry.upgrade]);
    rows.set(key, [...(rows.get(key) ?? []), entry]);
  }
  const list = (values: readonly string[]): string => [...new Set(values)].join(',');
  return table([
    ['CALLER', 'METHODS', 'PATHS', 'RULE', 'PLACE'],
    ...[...rows.values()].map((group) => {
      const [first] = group;
      if (first === undefined) return [];
      const upgrade = first.upgrade === undefined ? '' : ` (${first.upgrade})`;
      const isTcp = first.protocol === 'tcp';
      return [
        callerOf(first),
        isTcp ? 'TCP' : `${list(group.map(({ method }) => method ?? 'any'))}${upgrade}`,
        isTcp ? '-' : list(group.map(({ path }) => textOfSpan(path))),
        first.rule,
        first.place ?? '-',
      ];
    }),
  ]);
}

/** As `postern can` takes it. */
function callerOf({ gateway, peer, workload }: Reach): string {
  if (gateway === 'egress') return workload === undefined ? 'anyone' : textOfSpan(workload);
  return workload === undefined ? peer : `${peer}:${textOfSpan(workload)}`;
}

function textOfSpan(span: Span | undefined): string {
  if (span === undefined) return 'any';
  return 'exact' in span ? span.exact : `${span.prefix}*`;
}
