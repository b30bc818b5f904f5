// Keys and values that a later version will support: known, and refused with NOT_YET.
// Must not: let one of them through, or report it as unknown.

import * as z from 'zod';
import { issueOf } from './string-checks.ts';

const HINT = 'remove it: a later version will support it, and nothing that it says would be enforced';

function refusal(hint: string) {
  return issueOf({ code: 'NOT_YET', message: 'this version of Postern does not support it', hint });
}

/** A field that comes later, whatever its value. */
export const unsupported = (what: string) =>
  z
    .unknown()
    .optional()
    .describe(`${what} Comes in a later version; until then it is refused.`)
    .meta({ not: {} })
    .superRefine((given, context) => {
      if (given !== undefined) context.addIssue(refusal(HINT));
    });

/** One value of several that comes later. */
export function unsupportedValue<T extends Readonly<Record<string, string>>>(
  schema: z.ZodEnum<T>,
  refused: string,
  hint: string,
) {
  return schema.meta({ enum: schema.options.filter((option) => option !== refused) }).superRefine((given, context) => {
    if (given === refused) context.addIssue(refusal(hint));
  });
}
