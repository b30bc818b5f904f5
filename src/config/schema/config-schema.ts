// The shape of the whole file: every key, what it means, and which keys are known but not supported yet.
// Must not: accept a key silently; a known key that is not supported yet is refused with NOT_YET.

import * as z from 'zod';
import { exported } from './export-schema.ts';
import { gateways, identity } from './gateway-schema.ts';
import { imported } from './import-schema.ts';
import { peer } from './peer-schema.ts';
import * as name from './values/name-values.ts';
import { list } from './values/service-values.ts';
import * as value from './values/values.ts';

/** The whole file, as it is written. */
export const configSchema = z
  .strictObject({
    apiVersion: z.literal('postern/v1').describe('postern/v1'),
    mesh: z
      .strictObject({
        name: name.label('The name of our mesh.'),
        trustDomain: name.trustDomain('Our SPIFFE trust domain.'),
        trustBundle: value
          .filePath('PEM file with the CA certificates of our own workloads, relative to this file.')
          .optional(),
      })
      .describe('Our own mesh.'),
    identity,
    gateways: gateways.optional(),
    peers: z
      .record(z.string(), peer)
      .meta({ minProperties: 1, propertyNames: { pattern: name.LABEL_PATTERN } })
      .optional()
      .describe('The remote meshes, by name.'),
    exports: list(exported).optional().describe('The services that peers may use; no other can be reached.'),
    imports: list(imported).optional().describe('The services of peers that we use; no other can be reached.'),
  })
  .describe('Postern: one mesh, its gateways, its peers, what it exports and imports.');

/** The file as written, once it has the right shape. */
export type WrittenConfig = z.infer<typeof configSchema>;
