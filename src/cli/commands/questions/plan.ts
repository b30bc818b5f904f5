// `postern plan`: what a changed configuration does beside what is served, or beside another file.
// Must not: serve or write anything, or end with 0 when something widens.

import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, PosternError } from '../../../errors.ts';
import { type Invocation, outputFormat, type Run, required } from '../../command.ts';
import { type PlanReport, planAnswer } from '../../plan/plan-report.ts';
import { planText } from '../../plan/plan-text.ts';
import { type ServedBy, servedByFile, servedByProcess } from '../../questions/served.ts';
import { shownReach } from '../../questions/shown-reach.ts';

/** Longer than a change takes, also after a start (federation/transition/transition.ts), and one more beside it. */
const MOST_MS = 60_000;
const AGAIN_MS = 200;

export const plan: Run = async (invocation) => {
  const output = outputFormat(invocation, ['text', 'json'] as const, 'text');
  const [file, against] = [required(invocation, 'file'), invocation.flag('against')];
  if (file === '-' && against === '-')
    throw new PosternError('USAGE', 'postern plan: only one of --file and --against can be standard input');
  const after = await servedByFile(invocation, file);
  const before = against === undefined ? settledProcess(invocation) : await servedByFile(invocation, against);
  const answer = await planAnswer(before, after);
  invocation.stdout(output === 'json' ? `${JSON.stringify(shown(answer.report), null, 2)}\n` : planText(answer));
  if (answer.report.verdict === 'wider') return EXIT.findings;
  // The plan is that of what `run` serves; its errors still have to be corrected.
  return answer.served.hasErrors === true ? EXIT.badConfig : EXIT.ok;
};

function shown(report: PlanReport) {
  return { ...report, gained: shownReach(report.gained), lost: shownReach(report.lost) };
}

/**
 * What the process serves once a change that is under way is over: until then it serves less than its file allows, and
 * a plan would list what comes by itself. Errors: ADMIN_UNREACHABLE, also while changes never end.
 */
function settledProcess(invocation: Invocation): ServedBy {
  const ask = servedByProcess(invocation, 'compare with another file, --against FILE');
  const until = Date.now() + MOST_MS;
  return async (gateway) => {
    for (;;) {
      const served = await ask(gateway);
      if (served.snapshot?.settlesAt === undefined) return served;
      if (Date.now() >= until)
        throw new PosternError(
          'ADMIN_UNREACHABLE',
          `the process at ${invocation.named('admin')} is between two configurations since ${MOST_MS / 1000} s; try again`,
        );
      await sleep(AGAIN_MS);
    }
  };
}
