// Which import a line of an egress is about: exports of two peers may have one name, and one export may be imported twice.
// Must not: choose one where the line fits several.

import { ownMetadata } from '../../decision/matching/own-metadata.ts';
import { Resources } from '../../decision/matching/resources.ts';
import { callersGate, egressPort } from '../../envoy/resource-names.ts';
import { localNames } from '../../federation/wire-names.ts';
import type { Served } from '../questions/served.ts';
import type { LogLine } from './log-line.ts';

type Import = Served['names']['imports'][number];

/** The version is of what decided, and has the local name or the port of TCP in it; an older line has the name that was asked for. */
export function lineImports({ role, layer, fields }: LogLine, { names, resources }: Served): readonly Import[] {
  const { import: name, peer, authority = '', version } = fields;
  if (role !== 'egress' || name === undefined) return [];
  const all = names.imports.filter(
    (one) => one.name === name && one.peer === (peer ?? one.peer) && (one.protocol === 'tcp') === (layer === 'tcp'),
  );
  if (all.length < 2) return all;
  const [, host = '', port] = /^(.*?)(?::(\d+))?$/.exec(authority.toLowerCase()) ?? [];
  const isOfVersion = hasVersion(version, resources);
  return [
    isOfVersion,
    ({ as }: Import) => localNames(as).includes(host.replace(/\.$/, '')),
    // What a caller writes there need not be the port that it has connected to.
    (one: Import) => one.port === Number(port),
  ].reduce((left, isIt) => {
    const found = left.filter(isIt);
    return found.length === 0 ? left : found;
  }, all);
}

/** Whether the import is the one that the version of a line is about. */
export function hasVersion(version: string | undefined, resources: Served['resources']): (one: Import) => boolean {
  const all = new Resources(resources);
  return (one) => version !== undefined && versionsOf(one, all).has(version);
}

/** Of the virtual host, or of the filter chains at the port and behind it. */
function versionsOf({ as, port, protocol }: Import, resources: Resources): ReadonlySet<string | undefined> {
  const isHere = (name = ''): boolean => name.split('@')[0] === egressPort(port);
  const found =
    protocol === 'tcp'
      ? resources
          .listeners()
          .filter(({ name }) => isHere(name) || name?.startsWith(callersGate(port, { key: '' })))
          .flatMap(({ filter_chains: chains = [] }) => chains)
      : resources
          .allRoutes()
          .filter(({ name }) => isHere(name))
          .flatMap(({ virtual_hosts: hosts = [] }) => hosts.filter(({ domains = [] }) => domains.includes(as)));
  return new Set(found.map((one) => ownMetadata(one, 'version')));
}
