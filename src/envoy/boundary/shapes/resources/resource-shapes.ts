// Which form a resource must have, by its kind and its name.
// Must not: look at another resource.

import { memoizeByIdentity } from '../../../../memoize.ts';
import type { ResourceJson } from '../../../proto/types.gen.ts';
import { type BoundaryRule, violation } from '../../boundary-rules.ts';
import type { Shape } from '../shape.ts';
import {
  BUNDLE,
  CERTIFICATE,
  DIAL_CLUSTER,
  GATE_CLUSTER,
  GRANT_CLUSTER,
  IMPORT_CLUSTER,
  TCP_IMPORT_CLUSTER,
} from './cluster-shapes.ts';
import {
  CALLERS_GATE_LISTENER,
  EGRESS_LISTENER,
  GATE_LISTENER,
  INGRESS_LISTENER,
  TUNNEL_LISTENER,
} from './listener-shapes.ts';
import { EGRESS_ROUTES, INGRESS_ROUTES } from './route-shapes.ts';

/** By the kind of a resource and the first word of its name. */
const SHAPES: ReadonlyMap<string, Shape> = new Map([
  ['Listener ingress', INGRESS_LISTENER],
  ['Listener egress', EGRESS_LISTENER],
  ['Listener import', TUNNEL_LISTENER],
  ['Listener gate', GATE_LISTENER],
  ['Listener callers', CALLERS_GATE_LISTENER],
  ['RouteConfiguration ingress', INGRESS_ROUTES],
  ['RouteConfiguration egress', EGRESS_ROUTES],
  ['Cluster export', GRANT_CLUSTER],
  ['Cluster import', IMPORT_CLUSTER],
  ['Cluster dial', DIAL_CLUSTER],
  ['Cluster gate', GATE_CLUSTER],
  ['Cluster callers', GATE_CLUSTER],
  ['Cluster tcp', TCP_IMPORT_CLUSTER],
  ['Secret cert', CERTIFICATE],
  ['Secret bundle', BUNDLE],
  ['Secret mesh-bundle', BUNDLE],
  ['Secret backend-ca', BUNDLE],
]);

/** Errors: BOUNDARY_VIOLATED. */
export function checkShape(resource: ResourceJson): void {
  const fault = faultOf(resource);
  if (fault === undefined) return;
  const name = 'name' in resource ? (resource.name ?? '') : '';
  throw violation(fault, `${kindOf(resource)} ${name}`);
}

const faultOf = memoizeByIdentity((resource: ResourceJson): BoundaryRule | undefined => {
  const name = 'name' in resource ? (resource.name ?? '') : '';
  const shape = SHAPES.get(`${kindOf(resource)} ${name.split('/', 1)[0]}`);
  return shape === undefined ? 'KNOWN_NAME' : shape(resource);
});

function kindOf(resource: ResourceJson): string {
  return resource['@type'].split('.').at(-1) ?? '';
}
