// What the evaluator answers: the verdict, the rule behind it, and every step on the way there.
// Must not: name a line of the YAML; a step names the part of the configuration that its resource was made of.

import type { Limit } from './limit.ts';
import type { Reason } from './reason.ts';

export type StepKind =
  | 'listener'
  | 'filter chain'
  | 'bundle'
  | 'certificate'
  | 'identity'
  | 'access control'
  | 'request'
  | 'virtual host'
  | 'rule'
  | 'route'
  | 'limit'
  | 'cluster'
  | 'peer gateway'
  | 'backend';

export interface Step {
  readonly kind: StepKind;
  /** Of the resource, or of the part of it that decided. */
  readonly name: string;
  /** What was compared with what. */
  readonly compared: string;
  readonly passed: boolean;
  /** The part of the configuration, as rules are named: `peers.shop.trustBundle`. */
  readonly source?: string;
}

/** The rule that would have allowed the least different request. */
export interface Nearest {
  readonly rule: string;
  /** What the request lacks, one sentence part each. */
  readonly needs: readonly string[];
}

export interface Decision {
  readonly verdict: 'yes' | 'no';
  readonly reason: Reason;
  /** The rule that allowed it. */
  readonly rule?: string;
  readonly nearest?: Nearest;
  /** Limits on its way, as far as it gets; they are named and not judged, but for a body whose length is stated. */
  readonly limits: readonly Limit[];
  /** Where it is sent: `HOST:PORT`; empty when the gateway itself answers. */
  readonly backends: readonly string[];
  readonly steps: readonly Step[];
}

/** Takes the steps of one judgement down. */
export class Trail {
  readonly steps: Step[] = [];
  readonly limits: Limit[] = [];

  pass(kind: StepKind, name: string, compared: string, source?: string): void {
    this.steps.push({ kind, name, compared, passed: true, ...(source !== undefined && { source }) });
  }

  /** Once: several resources may carry one limit. */
  limit(limit: Limit): void {
    const isKnown = limit.name !== undefined && this.limits.some(({ name }) => name === limit.name);
    if (!isKnown) this.limits.push(limit);
  }

  no(reason: Reason, kind: StepKind, name: string, compared: string, source?: string, nearest?: Nearest): Decision {
    this.steps.push({ kind, name, compared, passed: false, ...(source !== undefined && { source }) });
    return { verdict: 'no', reason, ...(nearest && { nearest }), limits: this.limits, backends: [], steps: this.steps };
  }

  yes(backends: readonly string[], rule: string | undefined): Decision {
    return {
      verdict: 'yes',
      reason: 'ALLOWED',
      ...(rule !== undefined && { rule }),
      limits: this.limits,
      backends,
      steps: this.steps,
    };
  }
}
