// `postern plan`: what a changed configuration does beside what is served, or beside another file.
// Must not: serve or write anything, or end with 0 when something widens.

import { EXIT, PosternError } from '../../../errors.ts';
import { outputFormat, type Run, required } from '../../command.ts';
import { planAnswer } from '../../plan/plan-report.ts';
import { planText } from '../../plan/plan-text.ts';
import { servedByFile, servedByProcess } from '../../questions/served.ts';

export const plan: Run = async (invocation) => {
  const output = outputFormat(invocation, ['text', 'json'] as const, 'text');
  const [file, against] = [required(invocation, 'file'), invocation.flag('against')];
  if (file === '-' && against === '-')
    throw new PosternError('USAGE', 'postern plan: only one of --file and --against can be standard input');
  const after = await servedByFile(invocation, file, { isStrict: true });
  const before = against === undefined ? servedByProcess(invocation) : await servedByFile(invocation, against);
  const answer = await planAnswer(before, after);
  invocation.stdout(output === 'json' ? `${JSON.stringify(answer.report, null, 2)}\n` : planText(answer));
  return answer.report.verdict === 'wider' ? EXIT.findings : EXIT.ok;
};
