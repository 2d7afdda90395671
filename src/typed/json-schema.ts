// What a schema says about itself as a JSON Schema, if its validator can say it (https://standardschema.dev/json-schema):
// zod and arktype do, valibot's does after `toStandardJsonSchema` of @valibot/to-json-schema.

import type { StandardSchema } from './schema.js';

export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * What travels: the input of a schema. Empty, which is any value, for a schema that cannot tell, or only by code.
 * @param base - where it will stand in a document; its references to parts of itself then hold there.
 */
export function jsonSchemaOf(schema: StandardSchema, base: string): JsonSchema {
  const standard: object = schema['~standard'];
  const converter: unknown = 'jsonSchema' in standard ? standard.jsonSchema : undefined;
  if (typeof converter !== 'object' || converter === null) return {};
  const input: unknown = 'input' in converter ? converter.input : undefined;
  if (typeof input !== 'function') return {};
  let found: unknown;
  try {
    found = Reflect.apply(input, converter, [{ target: 'draft-07' }]);
  } catch {
    return {};
  }
  if (typeof found !== 'object' || found === null) return {};
  const { $schema: _, ...rest }: Record<string, unknown> = { ...found };
  return movedTo(base, rest);
}

function movedTo(base: string, value: JsonSchema): JsonSchema {
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, moved(base, key, member)]));
}

function moved(base: string, key: string, value: unknown): unknown {
  if (key === '$ref' && typeof value === 'string' && value.startsWith('#')) return `${base}${value.slice(1)}`;
  if (Array.isArray(value)) return value.map((member) => moved(base, '', member));
  return typeof value === 'object' && value !== null ? movedTo(base, { ...value }) : value;
}
