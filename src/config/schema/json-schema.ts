// The configuration's JSON Schema, for editors and for `postern schema`.
// Must not: differ from what is accepted, as far as JSON Schema (draft 7) can express it.

import * as z from 'zod';
import { configSchema } from './config-schema.ts';

export function jsonSchema(): object {
  const schema = z.toJSONSchema(configSchema, { target: 'draft-7', io: 'input' });
  return { $schema: 'http://json-schema.org/draft-07/schema#', title: 'Postern configuration', ...schema };
}

/** The schema as the text of deploy/config.schema.json. */
export function jsonSchemaText(): string {
  return `${JSON.stringify(jsonSchema(), null, 2)}\n`;
}
