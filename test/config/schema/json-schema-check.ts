// Checks a value against the part of JSON Schema draft-07 that our schema uses, as an editor would.
// Must not: skip a keyword that it does not know; that is an error.

export type JsonSchema = { readonly [keyword: string]: unknown };

const ANNOTATIONS = new Set(['$schema', 'title', 'description']);

type Check = (argument: never, value: unknown, schema: JsonSchema, path: string) => readonly string[];

const CHECKS: Readonly<Record<string, Check>> = {
  type: (type: string, value, _schema, path) => (typeOf(value, type) ? [] : [path]),
  const: (only: unknown, value, _schema, path) => (value === only ? [] : [path]),
  enum: (values: readonly unknown[], value, _schema, path) => (values.includes(value) ? [] : [path]),
  pattern: (pattern: string, value, _schema, path) =>
    typeof value !== 'string' || new RegExp(pattern, 'u').test(value) ? [] : [path],
  minLength: (least: number, value, _schema, path) => (typeof value === 'string' && value.length < least ? [path] : []),
  maxLength: (most: number, value, _schema, path) => (typeof value === 'string' && value.length > most ? [path] : []),
  minimum: (least: number, value, _schema, path) => (typeof value === 'number' && value < least ? [path] : []),
  maximum: (most: number, value, _schema, path) => (typeof value === 'number' && value > most ? [path] : []),
  minItems: (least: number, value, _schema, path) => (Array.isArray(value) && value.length < least ? [path] : []),
  minProperties: (least: number, value, _schema, path) =>
    isObject(value) && Object.keys(value).length < least ? [path] : [],
  items: (item: JsonSchema, value, _schema, path) =>
    Array.isArray(value) ? value.flatMap((one, index) => misfits(item, one, `${path}/${index}`)) : [],
  properties: (properties: Readonly<Record<string, JsonSchema>>, value, _schema, path) =>
    isObject(value)
      ? Object.entries(properties).flatMap(([key, schema]) =>
          Object.hasOwn(value, key) ? misfits(schema, value[key], `${path}/${key}`) : [],
        )
      : [],
  required: (keys: readonly string[], value, _schema, path) =>
    isObject(value) ? keys.filter((key) => !Object.hasOwn(value, key)).map((key) => `${path}/${key}`) : [],
  additionalProperties: (rest: false | JsonSchema, value, { properties = {} }, path) =>
    isObject(value)
      ? Object.keys(value)
          .filter((key) => !Object.hasOwn(properties as object, key))
          .flatMap((key) => (rest === false ? [`${path}/${key}`] : misfits(rest, value[key], `${path}/${key}`)))
      : [],
  propertyNames: (names: JsonSchema, value, _schema, path) =>
    isObject(value) ? Object.keys(value).flatMap((key) => misfits(names, key, `${path}/${key}`)) : [],
  anyOf: (options: readonly JsonSchema[], value, _schema, path) =>
    options.some((option) => misfits(option, value, path).length === 0) ? [] : [path],
  oneOf: (options: readonly JsonSchema[], value, _schema, path) =>
    options.filter((option) => misfits(option, value, path).length === 0).length === 1 ? [] : [path],
  if: (condition: JsonSchema, value, schema, path) => {
    const branch = misfits(condition, value, path).length === 0 ? schema['then'] : schema['else'];
    return branch === undefined ? [] : misfits(branch as JsonSchema, value, path);
  },
  // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema; \`if\` looks at it
  then: () => [],
  else: () => [],
  not: (refused: JsonSchema, value, _schema, path) => (misfits(refused, value, path).length === 0 ? [path] : []),
};

export function misfits(schema: JsonSchema, value: unknown, path = ''): readonly string[] {
  return Object.entries(schema).flatMap(([keyword, argument]) => {
    if (ANNOTATIONS.has(keyword)) return [];
    const check = CHECKS[keyword];
    if (check === undefined) throw new Error(`the test does not know the keyword ${keyword}`);
    return check(argument as never, value, schema, path);
  });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function typeOf(value: unknown, type: string): boolean {
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isObject(value);
  if (type === 'integer') return Number.isInteger(value);
  return typeof value === type;
}
