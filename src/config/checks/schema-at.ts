// What the schema takes at a path of the file.
// Must not: know any key.

import * as z from 'zod';
import type { Path } from '../../errors.ts';

/** Keys that the schema takes in the map at `path`. */
export function keysAt(schema: z.ZodType, path: Path): readonly string[] {
  return schemasAt(schema, path)
    .flatMap(forms)
    .flatMap((form) => (form instanceof z.ZodObject ? Object.keys(form.shape) : []));
}

/** Whether the key at the end of `path` may be left out. */
export function isOptionalAt(schema: z.ZodType, path: Path): boolean {
  return schemasAt(schema, path).some((member) => member instanceof z.ZodOptional);
}

/** One for each form that the value may have, and that has the path. */
function schemasAt(schema: z.ZodType, [step, ...rest]: Path): readonly z.ZodType[] {
  if (step === undefined) return [schema];
  return forms(schema).flatMap((form) => {
    const member = memberOf(form, step);
    return member === undefined ? [] : schemasAt(member as z.ZodType, rest);
  });
}

function memberOf(form: z.ZodType, step: string | number): unknown {
  if (form instanceof z.ZodObject) return Object.hasOwn(form.shape, step) ? form.shape[step] : undefined;
  if (form instanceof z.ZodArray) return form.element;
  return form instanceof z.ZodRecord ? form.valueType : undefined;
}

function forms(schema: z.ZodType): readonly z.ZodType[] {
  if (schema instanceof z.ZodOptional) return forms(schema.unwrap() as z.ZodType);
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => forms(option as z.ZodType));
  return [schema];
}
