// `npm run bench -- …`: measures the xDS engine, or with `gateways` what the boundary costs at the gateways.
// Must not: measure both at once; they would share the cores.

await (process.argv[2] === 'gateways' ? import('./gateways/main.ts') : import('./engine.ts'));
