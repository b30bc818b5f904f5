// `postern bootstrap`: what an Envoy starts with to become a gateway.
// In: a configuration and where things are. Out: YAML on stdout. Must not: read certificates; only their folder is named.

import { isAbsolute, resolve } from 'node:path';
import { bootstrap as bootstrapYaml } from '../../envoy/resources/gateway-bootstrap.ts';
import { EXIT, PosternError } from '../../errors.ts';
import type { GatewayRole } from '../../federation/model.ts';
import { controlPlaneId } from '../../trust/issuing/control-plane-ca.ts';
import { addressFlag, type Command, ENVOY_ADMIN, FILE, type Invocation, oneOf, required, XDS } from '../command.ts';
import { resolvedConfiguration } from '../configuration.ts';

export const bootstrap: Command = {
  name: 'bootstrap',
  positionals: ['ingress|egress'],
  summary: 'prints the Envoy bootstrap of a gateway; its first comment is how to start Envoy',
  flags: [
    FILE,
    { name: 'node-id', value: 'ID', summary: 'names this one Envoy among its like', required: true },
    {
      name: 'certs',
      value: 'DIR',
      summary: 'the folder of `postern certs gateway`, as the gateway sees it',
      required: true,
    },
    { name: 'xds', value: 'HOST:PORT', summary: 'where the control plane listens', default: XDS },
    ENVOY_ADMIN,
  ],
  run: async (invocation) => {
    const role = oneOf<GatewayRole>(invocation.positionals[0], ['ingress', 'egress'], 'the gateway');
    const { federation } = await resolvedConfiguration(required(invocation, 'file'), Date.now());
    if (federation[role] === undefined)
      throw new PosternError('USAGE', `the configuration has no ${role} gateway; add gateways.${role}`);
    const certs = required(invocation, 'certs');
    invocation.stdout(
      bootstrapYaml({
        role,
        nodeId: nodeId(invocation),
        certsDir: isAbsolute(certs) ? certs : resolve(certs),
        xds: addressFlag(invocation, 'xds'),
        admin: addressFlag(invocation, 'admin'),
        controlPlaneId: controlPlaneId(federation.mesh.trustDomain),
      }),
    );
    return EXIT.ok;
  },
};

function nodeId(invocation: Invocation): string {
  const id = required(invocation, 'node-id');
  if (!/^[\x21-\x7e]{1,256}$/.test(id))
    throw new PosternError('USAGE', '--node-id takes 1 to 256 characters of printable ASCII, without spaces');
  return id;
}
