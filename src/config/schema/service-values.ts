// Values that exports and imports have in common.
// Must not: hold what belongs to one of the two.

import { z } from 'zod';
import { unsupportedValue } from './unsupported.ts';

/** A list with at least one item: an empty list never means everything. */
export const list = <T extends z.ZodType>(item: T) => z.array(item).min(1);

export const protocol = unsupportedValue(
  z.enum(['http', 'grpc', 'tcp']),
  'tcp',
  'write http or grpc, or leave this service out',
)
  .describe('The protocol: http (the default) or grpc.')
  .optional();
