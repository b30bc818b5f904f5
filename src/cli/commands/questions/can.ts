// `postern can`: whether a peer, or a workload of ours, may use a service, by what the gateway itself is served.
// Must not: ask the model; the resources answer.

import { judge } from '../../../decision/connection.ts';
import { EXIT } from '../../../errors.ts';
import { outputFormat, type Run } from '../../command.ts';
import { type AskedQuestion, askedQuestion } from '../../questions/asked-question.ts';
import { type AskedExport, decisionText } from '../../questions/decision-text.ts';
import { withDenial } from '../../questions/denial.ts';
import { endedOn, grantedTo } from '../../questions/ended-grant.ts';
import { placedLimits } from '../../questions/placed-limit.ts';
import { importsOf, placeOf } from '../../questions/rule-place.ts';
import { type Served, servedResources } from '../../questions/served.ts';

export const can: Run = async (invocation) => {
  const output = outputFormat(invocation, ['text', 'json'] as const, 'text');
  const { text, served, question, denied, exported } = await askedQuestion(
    invocation,
    await servedResources(invocation),
  );
  const decision = withDenial(judge(served.resources, question), denied, served);
  const about = {
    // Behind an import is the peer's own gateway, whose configuration is not ours.
    peerDecides: decision.verdict === 'yes' && served.gateway === 'egress' && decision.backends.length > 0,
    ...(decision.verdict === 'no' && exported && notGranted(exported, served, question.at)),
  };
  const withPlaces = {
    asked: text,
    gateway: served.gateway,
    ...decision,
    ...about,
    ...(decision.rule !== undefined && { rulePlace: placeOf(decision.rule, served, importsOf(decision, served)) }),
    limits: placedLimits(decision.limits, served),
    steps: decision.steps.map((step) => ({ ...step, place: placeOf(step.source, served) })),
  };
  invocation.stdout(
    output === 'json' ? `${JSON.stringify(withPlaces, null, 2)}\n` : decisionText(decision, about, text, served),
  );
  return decision.verdict === 'yes' ? EXIT.ok : EXIT.no;
};

/** Where a peer has no grant at all, who has. */
function notGranted(
  { name, protocol, peer: asking }: NonNullable<AskedQuestion['exported']>,
  served: Served,
  at: number,
): { readonly export?: AskedExport } {
  const ended = endedOn(served, name, asking, at);
  const place = placeOf(ended === undefined ? `exports.${name}` : `exports.${name}.consumers.${asking}`, served);
  const granted = grantedTo(served, name, at);
  if (granted.includes(asking)) return {};
  return {
    export: {
      name,
      protocol,
      ...(place !== undefined && { place }),
      grantedTo: granted,
      ...(ended !== undefined && { endedOn: ended }),
    },
  };
}
