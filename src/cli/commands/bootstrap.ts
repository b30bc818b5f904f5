// `postern bootstrap`: prints the configuration with which an Envoy starts as a gateway.
// Must not: read certificates; the bootstrap only names their folder.

import { isAbsolute, resolve } from 'node:path';
import { bootstrap as bootstrapYaml } from '../../envoy/resources/gateway-bootstrap.ts';
import { EXIT, PosternError } from '../../errors.ts';
import type { GatewayRole } from '../../federation/model.ts';
import type { HostPort } from '../../host-port.ts';
import { controlPlaneId } from '../../trust/issuing/control-plane-ca.ts';
import { addressFlag, type Invocation, oneOf, type Run, required } from '../command.ts';
import { resolvedConfiguration } from '../configuration.ts';

export const bootstrap: Run = async (invocation) => {
  const role = oneOf<GatewayRole>(invocation.positionals[0], ['ingress', 'egress'], 'the argument');
  const { federation } = await resolvedConfiguration(required(invocation, 'file'), Date.now());
  const gateway = federation[role];
  if (gateway === undefined)
    throw new PosternError('USAGE', `the configuration has no ${role} gateway; add gateways.${role}`);
  const certs = required(invocation, 'certs');
  invocation.stdout(
    bootstrapYaml({
      role,
      nodeId: nodeId(invocation),
      certsDir: isAbsolute(certs) ? certs : resolve(certs),
      xds: xdsAddress(invocation),
      admin: addressFlag(invocation, 'envoy-admin'),
      metrics: invocation.flag('metrics') === undefined ? undefined : addressFlag(invocation, 'metrics'),
      maxConnections: gateway.limits?.connections,
      controlPlaneId: controlPlaneId(federation.mesh.trustDomain),
    }),
  );
  return EXIT.ok;
};

/** `run` listens on a wildcard address (POSTERN_XDS=0.0.0.0:18000); a gateway needs one that it can dial. */
function xdsAddress(invocation: Invocation): HostPort {
  const address = addressFlag(invocation, 'xds');
  if (/^[0:.]*$/.test(address.host))
    throw new PosternError(
      'USAGE',
      `${invocation.named('xds')} is ${address.host}, which no gateway can dial; give the address of the control plane with --xds`,
    );
  return address;
}

function nodeId(invocation: Invocation): string {
  const id = required(invocation, 'node-id');
  if (!/^[\x21-\x7e]{1,256}$/.test(id))
    throw new PosternError(
      'USAGE',
      `${invocation.named('node-id')} takes 1 to 256 characters of printable ASCII, without spaces`,
    );
  return id;
}
