// What a virtual host admits or leads to, in words that can be compared with the model.
// Must not: be called before route-rules.ts has checked the form of the policy.

import { memoizeByIdentity } from '../../../../memoize.ts';
import type { Messages } from '../../../proto/types.gen.ts';
import type { Admission } from '../../boundary-rules.ts';
import { BODY_GUARD } from './filter-rules.ts';
import { workloadsOf } from './workload-rules.ts';

type VirtualHost = Messages['envoy.config.route.v3.VirtualHost'];
type Permission = Messages['envoy.config.rbac.v3.Permission'];

/** A method with a path, and the workloads that may use them: `GET =/exact`, `GET </prefix/ for =spiffe://shop.example/web`. */
export function admissionText(pairs: Iterable<string>, takesBodies: boolean): string {
  return [...new Set([...pairs, ...(takesBodies ? ['any body'] : [])])].sort().join('\n');
}

export const admissionOf = memoizeByIdentity((host: VirtualHost): Admission => {
  const { 'envoy.filters.http.rbac': config, [BODY_GUARD]: bodies } = host.typed_per_filter_config ?? {};
  const policies = (config as Messages['envoy.extensions.filters.http.rbac.v3.RBACPerRoute'] | undefined)?.rbac?.rules
    ?.policies;
  const permissions = Object.values(policies ?? {}).flatMap(({ permissions: all }) => all ?? []);
  return {
    authority: host.domains?.[0] ?? '',
    text: admissionText(permissions.flatMap(pairsOf), bodies !== undefined),
  };
});

/** The authority and the prohibitions beside them only narrow what the pairs admit. */
function pairsOf({ and_rules: all, or_rules: any }: Permission): readonly string[] {
  if (any?.rules !== undefined) return any.rules.flatMap(pairsOf);
  const rules = (all?.rules ?? []).filter(
    ({ header, not_rule: never }) => never === undefined && header?.name !== ':authority',
  );
  const [only] = rules;
  if (only !== undefined && rules.length === 1) return pairsOf(only);
  const paths = rules.flatMap(pathsOf);
  const workloads = workloadsText(rules.flatMap(workloadsOf));
  return rules.flatMap(methodsOf).flatMap((method) => paths.map((path) => `${method} ${path}${workloads}`));
}

/** `workloads`: each with `=` before it, or `<` before a prefix. */
export function workloadsText(workloads: readonly string[]): string {
  return workloads.length === 0 ? '' : ` for ${[...workloads].sort().join(',')}`;
}

function methodsOf({ header, or_rules: any }: Permission): readonly string[] {
  return any?.rules?.flatMap(methodsOf) ?? [header?.string_match?.exact ?? []].flat();
}

function pathsOf({ url_path: path, or_rules: any }: Permission): readonly string[] {
  const { exact, prefix } = path?.path ?? {};
  if (any?.rules !== undefined) return any.rules.flatMap(pathsOf);
  return [...(exact === undefined ? [] : [`=${exact}`]), ...(prefix === undefined ? [] : [`<${prefix}`])];
}
