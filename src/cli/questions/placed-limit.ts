// The limits of a decision with the keys of the file that set them: a consumer's own, or the export's for it.
// Must not: take a default of the gateways for a limit of the file.

import { importKey } from '../../config/rule-places.ts';
import { type Limit, limitText } from '../../decision/answer/limit.ts';
import { placeOf, writtenLimit } from './rule-place.ts';
import type { Served } from './served.ts';

export interface PlacedLimit extends Limit {
  /** FILE:LINE of the key that sets it, or of the part of the file where it would be. */
  readonly place?: string;
  /** No key of the file sets it: it is the gateways' own. */
  readonly isDefault: boolean;
}

type About = Pick<Served, 'file' | 'places' | 'terms' | 'gateway' | 'names'>;

export function placedLimits(limits: readonly Limit[], about: About): readonly PlacedLimit[] {
  return [...limits, ...ofGateway(about)].map((limit) => placed(limit, about));
}

function placed(limit: Limit, about: About): PlacedLimit {
  if (limit.name === undefined) return { ...limit, isDefault: true };
  const name = writtenLimit(limit.name, about.places);
  const place = placeOf(name, about);
  // Through an alias a key may have no line; only connections have a default.
  const isDefault = !Object.hasOwn(about.places, name) && limit.name.endsWith('.connections');
  return { ...limit, name: ofImport(name, about), ...(place !== undefined && { place }), isDefault };
}

/** Resources know an import by its port; the file, and the `rule` of the log, by its name. */
function ofImport(name: string, { names: { imports } }: About): string {
  const [, at = '', key = ''] = /^imports\.(.*:\d+)(\.limits\.[^.]+)$/.exec(name) ?? [];
  const found = imports.find((one) => importKey(one) === `imports.${at}`);
  return found === undefined ? name : `imports.${found.name}${key}`;
}

/** What the bootstrap of each Envoy of the gateway has, and no resource. */
function ofGateway({ gateway, terms }: About): readonly Limit[] {
  const value = terms.connections[`gateways.${gateway}`];
  if (value == null) return [];
  const name = `gateways.${gateway}.limits.connections`;
  return [{ name, value, counts: 'connections at a time', resource: 'bootstrap' }];
}

/** `peers.shop.limits.requests: 20 requests at a time (bank.yaml:14)` */
export function placedLimitText(limit: PlacedLimit): string {
  const { name, place, isDefault, reason } = limit;
  const says = `${limitText(limit)}${reason === undefined && name?.startsWith('exports.') ? ', then it waits' : ''}`;
  if (name === undefined) return `${says} (the gateway's own)`;
  if (isDefault) return `${says} (the gateway's own; ${name} would set it${place === undefined ? '' : `, ${place}`})`;
  return `${name}: ${says}${place === undefined ? '' : ` (${place})`}`;
}
