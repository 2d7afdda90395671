// An AsyncAPI 3 document made from contracts: for people, generators and catalogues of other languages.

import type { ChannelSet } from './channel.js';
import type { JsonSchema } from './json-schema.js';
import { jsonSchemaOf } from './json-schema.js';
import type { Path } from './path.js';
import type { StandardSchema } from './schema.js';
import type { Methods, ProcedureContract } from './service.js';

/** Who the document is about: an application. */
export interface AsyncApiInfo {
  readonly title: string;
  readonly version: string;
  readonly description?: string;
}

/** What the application does, by contracts. A channel may be in several lists. */
export interface AsyncApiParts {
  readonly publishes?: readonly ChannelSet[];
  readonly subscribes?: readonly ChannelSet[];
  readonly provides?: readonly ServiceLike[];
  readonly uses?: readonly ServiceLike[];
}

/** A service, with or without parameters. */
export interface ServiceLike {
  readonly path: Path;
  readonly methods: Methods;
}

/** Plain data: `JSON.stringify` writes it to a file. */
export interface AsyncApiDocument {
  readonly asyncapi: '3.0.0';
  readonly info: AsyncApiInfo;
  readonly defaultContentType: string;
  readonly channels: Readonly<Record<string, JsonSchema>>;
  readonly operations: Readonly<Record<string, JsonSchema>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
}

/**
 * Describes an application by its contracts, as an AsyncAPI 3.0 document. Payloads are the bodies of messages; those of
 * schemas that cannot say what they are (`unchecked`, or a validator without Standard JSON Schema) are any value.
 *
 * @example
 * const document = asyncapi({ title: 'Robot', version: '1.0.0' }, { publishes: [pose], provides: [arm] });
 */
export function asyncapi(info: AsyncApiInfo, parts: AsyncApiParts): AsyncApiDocument {
  const writer = new Writer();
  for (const contract of parts.publishes ?? []) writer.channel('send', contract);
  for (const contract of parts.subscribes ?? []) writer.channel('receive', contract);
  for (const contract of parts.provides ?? []) writer.service('receive', contract);
  for (const contract of parts.uses ?? []) writer.service('send', contract);
  const { channels, operations, schemas } = writer;
  return {
    asyncapi: '3.0.0',
    info,
    defaultContentType: 'application/json',
    channels: Object.fromEntries(channels),
    operations: Object.fromEntries(operations),
    components: { schemas: Object.fromEntries(schemas) },
  };
}

type Action = 'send' | 'receive';

const TEXT: JsonSchema = { type: 'string' };
const CALL_PARAMS = {
  caller: { description: 'a random text of the caller' },
  number: { description: 'the number of the call' },
};

class Writer {
  readonly channels = new Map<string, JsonSchema>();
  readonly operations = new Map<string, JsonSchema>();
  readonly schemas = new Map<string, JsonSchema>();
  /** Under which name what stands in the document; the same contract once. */
  readonly #names = new Map<string, string>();

  channel(action: Action, { path, schema, options }: ChannelSet): void {
    const name = this.#place(path.text, path, {}, options.description, () => this.#payload(schema, path.text));
    this.#operation(action, path.text, { channel: refTo('channels', name) });
  }

  service(action: Action, { path, methods }: ServiceLike): void {
    for (const [method, contract] of Object.entries(methods)) {
      const text = `${path.text}/${method}`;
      const { description } = contract;
      // docs/protocol.md#remote-procedure-calls
      const call = `${text}/-rpc/:caller/:number`;
      const to = this.#place(`${call}/call`, path, CALL_PARAMS, description, () =>
        this.#payload(contract.input, `${text}/argument`),
      );
      const from = this.#place(`${call}/result`, path, CALL_PARAMS, undefined, () => this.#reply(contract, text));
      this.#operation(action, text, {
        channel: refTo('channels', to),
        ...(description !== undefined && { description }),
        reply: { channel: refTo('channels', from) },
      });
    }
  }

  #place(
    text: string,
    path: Path,
    more: Readonly<Record<string, JsonSchema>>,
    description: string | undefined,
    payload: () => JsonSchema,
  ): string {
    const known = this.#names.get(`channel ${text}`);
    if (known !== undefined) return known;
    const name = this.#name('channel', text, this.channels);
    const parameters = new Map<string, JsonSchema>();
    for (const { name: param, rest } of path.params)
      parameters.set(param, rest ? { description: 'any number of tokens, slashes between them' } : {});
    for (const [param, described] of Object.entries(more)) parameters.set(param, described);
    this.channels.set(name, {
      address: text.replaceAll(/:(\w+)\*?/g, '{$1}'),
      ...(description !== undefined && { description }),
      ...(parameters.size > 0 && { parameters: Object.fromEntries(parameters) }),
      messages: { message: { payload: payload() } },
    });
    return name;
  }

  #operation(action: Action, text: string, operation: JsonSchema): void {
    this.operations.set(this.#name(action, `${action}/${text}`, this.operations), { action, ...operation });
  }

  #reply({ output, errors, kind }: ProcedureContract, text: string): JsonSchema {
    const result = this.#payload(output, `${text}/result`);
    // To those who do not ask for a stream it comes as one list.
    const okay = objectOf({ okay: kind === 'stream' ? { type: 'array', items: result } : result });
    const declared = Object.entries(errors).map(([code, schema]) =>
      objectOf({ error: TEXT, code: { const: code }, data: this.#payload(schema, `${text}/${code}`) }),
    );
    return { anyOf: [okay, ...declared, { ...objectOf({ error: TEXT }), description: 'any other error' }] };
  }

  #payload(schema: StandardSchema, text: string): JsonSchema {
    const name = this.#name('schema', text, this.schemas);
    const found = jsonSchemaOf(schema, `#/components/schemas/${name}`);
    if (Object.keys(found).length === 0) return {};
    this.schemas.set(name, found);
    return refTo('components/schemas', name);
  }

  /** A name of letters, digits and `_`; two texts never get one. */
  #name(kind: string, text: string, taken: ReadonlyMap<string, unknown>): string {
    const plain = text.replaceAll(/[^A-Za-z\d]+/g, '_').replaceAll(/^_|_$/g, '') || 'root';
    let name = plain;
    for (let n = 2; taken.has(name); n++) name = `${plain}_${n}`;
    this.#names.set(`${kind} ${text}`, name);
    return name;
  }
}

function objectOf(properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return { type: 'object', properties, required: Object.keys(properties) };
}

function refTo(where: string, name: string): JsonSchema {
  return { $ref: `#/${where}/${name}` };
}
