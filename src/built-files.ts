// Where the build puts the files that are read or started by their path. It lies in src/ itself, because what is bundled
// (bundle.mjs) lies in dist/src/ whatever its folder was.

/** The types of Envoy's protos (proto/bundle.mjs). */
export const PROTO_TABLE = new URL('../proto/xds.json', import.meta.url);
export const PARSE_WORKER = new URL('./config/files/parse-worker.js', import.meta.url);
export const RESOURCES_WORKER = new URL('./runtime/resources/resources-worker.js', import.meta.url);
export const SERVING_WORKER = new URL('./serving/worker-main.js', import.meta.url);
