// The configurations of two meshes between which websockets.test.ts opens WebSockets.

/** The callee: exports with an upgrade, with one that may be silent for a second, and without any; one backend for all. */
export function bankYaml(port: number, backend: number): string {
  const at = `backend: "127.0.0.1:${backend}"`;
  return `
apiVersion: postern/v1
mesh: {name: bank, trustDomain: bank.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {ingress: {address: "127.0.0.1:${port}"}}
peers:
  shop: {trustDomain: shop.example, trustBundle: shop.pem, gatewayIdentities: [gateway/egress]}
exports:
- {name: chat, ${at}, upgrades: [websocket], consumers: [{peer: shop, allow: [{methods: [GET], paths: [/ws, /logged, /rooms/*]}, {methods: [POST], paths: [/post]}]}]}
- {name: short, ${at}, upgrades: [websocket], timeouts: {idle: 1s}, consumers: [{peer: shop, methods: [GET], paths: [/ws]}]}
- {name: timed, ${at}, upgrades: [websocket], timeouts: {request: 1s}, consumers: [{peer: shop, methods: [GET], paths: [/ws, /never]}]}
- {name: claimed, ${at}, upgrades: [websocket], consumers: [{peer: shop, allow: [{methods: [GET], paths: [/ws], workloads: [ns/web/sa/front]}]}]}
- {name: plain, ${at}, consumers: [{peer: shop, methods: [GET], paths: [/ws]}]}
`;
}

/** The caller, and an import without the upgrade. */
export function shopYaml(port: number, local: number): string {
  const from = (name: string, as: string, more = ''): string =>
    `- {peer: bank, name: ${name}, as: ${as}.bank, port: ${local}${more}}`;
  return `
apiVersion: postern/v1
mesh: {name: shop, trustDomain: shop.example}
identity: {issuer: {certificate: ca.pem, privateKey: ca-key.pem}}
gateways: {egress: {address: 127.0.0.1}}
peers:
  bank: {trustDomain: bank.example, trustBundle: bank.pem, gatewayIdentities: [gateway/ingress], addresses: ["127.0.0.1:${port}"]}
imports:
${from('chat', 'chat', ', upgrades: [websocket]')}
${from('chat', 'chat-without')}
${from('short', 'short', ', upgrades: [websocket]')}
${from('timed', 'timed', ', upgrades: [websocket]')}
${from('claimed', 'claimed', ', upgrades: [websocket]')}
${from('plain', 'plain', ', upgrades: [websocket]')}
`;
}
