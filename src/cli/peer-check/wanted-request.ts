// The flags --request and --workload of `postern check peer`: which import is asked for, with which method and path, as whom.
// Must not: guess what was meant.

import { PosternError } from '../../errors.ts';
import { type Import, isHttpImport } from '../../federation/model.ts';
import type { Invocation } from '../command.ts';
import type { WantedRequest } from './request.ts';

const METHOD = /^[A-Z]+$/;
const PATH = /^\/[\x21-\x7e]*$/;
const WORKLOAD = /^ns\/[^/\s]+\/sa\/[^/\s]+$/;

/** Undefined: no request is asked for. Errors: USAGE. */
export function wantedRequest(
  invocation: Invocation,
  imports: readonly Import[],
  ourDomain: string,
): WantedRequest | undefined {
  const [text, claimed] = [invocation.flag('request'), invocation.flag('workload')];
  if (text === undefined) {
    if (claimed !== undefined) throw new PosternError('USAGE', '--workload says who makes the request of --request');
    return undefined;
  }
  const words = text.trim().split(/\s+/);
  const [method, name = '', path = ''] = words.length === 2 ? [undefined, ...words] : words;
  if (words.length < 2 || words.length > 3 || !PATH.test(path) || (method !== undefined && !METHOD.test(method)))
    throw new PosternError(
      'USAGE',
      `--request takes "[METHOD] NAME PATH", such as "GET accounts.bank /v1/accounts", not "${text}"`,
    );
  const imported = importNamed(imports, name);
  if (!isHttpImport(imported))
    throw new PosternError(
      'USAGE',
      `${name} is imported as TCP, which has no requests: the handshake is all that is checked`,
    );
  const workload = claimed === undefined ? undefined : workloadOf(claimed, ourDomain);
  const usual = imported.protocol === 'grpc' ? 'POST' : 'HEAD';
  return { imported, method: method ?? usual, path, ...(workload !== undefined && { workload }) };
}

/** By a local name, with or without its port, or by the name that the peer exports it under. */
function importNamed(imports: readonly Import[], asked: string): Import {
  const found = imports.find(
    ({ name, port, localNames }) =>
      name === asked || localNames.some((local) => [local, `${local}:${port}`].includes(asked)),
  );
  if (found !== undefined) return found;
  const known = imports.map(({ localNames: [first], port }) => `${first}:${port}`).join(', ');
  throw new PosternError(
    'USAGE',
    `nothing is imported from the peer as ${asked}; there is ${known || 'no import of it'}`,
  );
}

function workloadOf(claimed: string, ourDomain: string): string {
  const own = `spiffe://${ourDomain}/`;
  const path = claimed.startsWith(own) ? claimed.slice(own.length) : claimed;
  if (!WORKLOAD.test(path))
    throw new PosternError('USAGE', `--workload takes ns/NAMESPACE/sa/ACCOUNT of ${ourDomain}, not ${claimed}`);
  return `${own}${path}`;
}
