// What may check a value: any validator that follows Standard Schema (https://standardschema.dev), zod, valibot and arktype
// among them. The interface is the specification's, version 1, written down here so that nothing has to be installed for it.

/** A validator of values: `In` is what it takes, `Out` what it makes of that. */
export interface StandardSchema<In = unknown, Out = In> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Out> | Promise<SchemaResult<Out>>;
    readonly types?: { readonly input: In; readonly output: Out } | undefined;
  };
}

export type SchemaResult<Out> =
  | { readonly value: Out; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** What is wrong with a value, and where in it. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What a schema takes: what is published, and what travels. */
export type InputOf<S extends StandardSchema> = NonNullable<S['~standard']['types']>['input'];

/** What a schema makes of that: what a subscriber gets. */
export type OutputOf<S extends StandardSchema> = NonNullable<S['~standard']['types']>['output'];

/** Takes whatever there is. One object, so that those who check can tell without asking it. */
export const UNCHECKED: StandardSchema = Object.freeze({
  '~standard': Object.freeze({ version: 1, vendor: 'spoke', validate: (value: unknown) => ({ value }) }),
});

/**
 * A type that nothing checks at run time: the compiler alone holds programs to it.
 *
 * @example
 * const pose = channel('robots/:id/pose', unchecked<{ x: number; y: number }>());
 */
export function unchecked<T>(): StandardSchema<T> {
  // Nothing stands behind the type but the word of who wrote it, which is what the name says.
  return UNCHECKED as StandardSchema<T>;
}

/** Some validators are functions. */
export function isSchema(value: unknown): value is StandardSchema {
  return ((typeof value === 'object' && value !== null) || typeof value === 'function') && '~standard' in value;
}
