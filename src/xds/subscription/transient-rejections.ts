// Rejections whose cause may pass with time, although the resource stays as it is (rule 18): a port that another process
// holds, and files that are not on the gateway's disk yet.
// Must not: take any other rejection for one of these; a resource that a client rejects for good is not sent to it again.

import type { Resource } from '../../snapshot/resource.ts';
import { TYPE } from '../../snapshot/resource-types.ts';
import { namesFiles } from '../wire/secret-facts.ts';

/** Envoy 1.40: `Error adding/updating listener(s) ingress: cannot bind '127.0.0.1:443': Address already in use`. */
const CANNOT_BIND = /cannot bind '[^']*': (Address already in use|Cannot assign requested address)/;

/**
 * Envoy 1.40, of a secret that names files: `Invalid path: /certs/tls.pem`, `unable to add filesystem watch for file
 * /certs/: No such file or directory`; and `Failed to load private key from <inline>` for files that are half written.
 */
const NO_FILES = /^(Invalid path: |unable to read file|unable to add filesystem watch for file |Failed to load )/;

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30_000;

/** Whether `message`, which is Envoy's own, names a cause that may pass with time. */
export function isTransient(resource: Resource, message: string): boolean {
  if (resource.typeUrl === TYPE.listener) return CANNOT_BIND.test(message);
  return NO_FILES.test(message) && namesFiles(resource);
}

/** How long to wait before the next try, after this many rejections in a row. */
export function backOff(rejections: number): number {
  return Math.min(FIRST_WAIT_MS * 2 ** Math.min(rejections - 1, 10), LONGEST_WAIT_MS);
}
