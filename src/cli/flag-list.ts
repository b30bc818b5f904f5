// The flags that several commands have.
// Must not: import what a command runs with.

import type { Flag } from './command.ts';

export const FILE: Flag = {
  name: 'file',
  short: 'f',
  value: 'FILE',
  summary: 'Read the configuration from FILE.',
  required: true,
};
export const FILE_OR_STDIN: Flag = { ...FILE, summary: 'Read the configuration from FILE; - is standard input.' };
export const WITHOUT_KEYS: Flag = {
  name: 'without-keys',
  summary: 'Accept that key and certificate files do not exist here, and check everything else.',
};
export const STATE: Flag = {
  name: 'state',
  value: 'DIR',
  summary: "Keep the control plane's own CA in DIR; without it, bank.yaml has bank.state/ beside it.",
};
export const REQUIRE_END: Flag = {
  name: 'require-end',
  summary: 'Reject a configuration whose last line is not "...": it may have been cut.',
  variable: 'POSTERN_REQUIRE_END',
};
export const GROUP_KEYS: Flag = {
  name: 'group-keys',
  summary: "Allow the group of key files and of the state folder to use them (Kubernetes' fsGroup).",
  variable: 'POSTERN_GROUP_KEYS',
};
export const REQUIRE_STATE: Flag = {
  name: 'require-state',
  summary: 'Fail when the state folder holds no CA, instead of making one.',
  variable: 'POSTERN_REQUIRE_STATE',
};
/** POSTERN_ADMIN is Postern's own port; an Envoy on the same address would not start, or be open to others. */
export const ENVOY_ADMIN: Flag = {
  name: 'envoy-admin',
  alias: 'admin',
  value: 'HOST:PORT',
  summary: "Use HOST:PORT as Envoy's own admin port.",
  default: '127.0.0.1:9901',
};
export const ADMIN = '127.0.0.1:19000';
export const XDS = '127.0.0.1:18000';
export const OUT: Flag = { name: 'out', value: 'DIR', summary: 'Write the files to DIR.', required: true };

export function outputFlag(value: string, fallback: string, summary = 'Print in this format.'): Flag {
  return { name: 'output', short: 'o', value, summary, default: fallback };
}

/** What a question is asked of: a file, or the running process. */
export const ASKED: readonly Flag[] = [
  { ...FILE_OR_STDIN, summary: 'Ask about FILE instead of the running process; - is standard input.', required: false },
  WITHOUT_KEYS,
  { name: 'admin', value: 'HOST:PORT', summary: 'Ask the running process here.', default: ADMIN },
];
