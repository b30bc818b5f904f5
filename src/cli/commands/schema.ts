// `postern schema`: the JSON Schema of the configuration, for editors.
// In: nothing. Out: JSON on stdout. Must not: differ from what `validate` accepts.

import { jsonSchemaText } from '../../config/schema/json-schema.ts';
import { EXIT } from '../../errors.ts';
import type { Command } from '../command.ts';

export const schema: Command = {
  name: 'schema',
  summary: 'prints the JSON Schema of the configuration, for editors',
  flags: [],
  run: async ({ stdout }) => {
    stdout(jsonSchemaText());
    return EXIT.ok;
  },
};
