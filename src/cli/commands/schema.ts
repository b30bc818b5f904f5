// `postern schema`: prints the JSON Schema of the configuration, for editors.
// Must not: have a schema of its own; it is the one by which `validate` checks a file.

import { jsonSchemaText } from '../../config/schema/json-schema.ts';
import { EXIT } from '../../errors.ts';
import type { Run } from '../command.ts';

export const schema: Run = async ({ stdout }) => {
  stdout(jsonSchemaText());
  return EXIT.ok;
};
