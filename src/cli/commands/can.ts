// `postern can`: whether a peer, or a workload of ours, may use a service, by what the gateway itself is served.
// Must not: ask the model; the resources answer.

import type { Decision } from '../../decision/answer/decision.ts';
import { judge } from '../../decision/connection.ts';
import { EXIT } from '../../errors.ts';
import { askedQuestion } from '../asked-question.ts';
import { outputFormat, type Run } from '../command.ts';
import { decisionText } from '../decision-text.ts';
import { placeOf } from '../rule-place.ts';
import { servedResources } from '../served.ts';

export const can: Run = async (invocation) => {
  const output = outputFormat(invocation, ['text', 'json'] as const, 'text');
  const { text, served, question, isDenied } = await askedQuestion(invocation, await servedResources(invocation));
  const judged = judge(served.resources, question);
  const decision: Decision = isDenied && judged.verdict === 'no' ? { ...judged, reason: 'PEER_DENIED' } : judged;
  const withPlaces = {
    asked: text,
    gateway: served.gateway,
    ...decision,
    ...(decision.rule !== undefined && { rulePlace: placeOf(decision.rule, served) }),
    steps: decision.steps.map((step) => ({ ...step, place: placeOf(step.source, served) })),
  };
  invocation.stdout(
    output === 'json' ? `${JSON.stringify(withPlaces, null, 2)}\n` : decisionText(decision, text, served),
  );
  return decision.verdict === 'yes' ? EXIT.ok : EXIT.no;
};
