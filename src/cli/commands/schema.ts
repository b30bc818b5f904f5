// `postern schema`: prints the JSON Schema of the configuration, for editors.
// Must not: differ from what `validate` accepts.

import { jsonSchemaText } from '../../config/schema/json-schema.ts';
import { EXIT } from '../../errors.ts';
import type { Run } from '../command.ts';

export const schema: Run = async ({ stdout }) => {
  stdout(jsonSchemaText());
  return EXIT.ok;
};
