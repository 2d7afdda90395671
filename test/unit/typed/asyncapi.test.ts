// The AsyncAPI document of contracts: it follows the specification, and says what the schemas say.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

import { beforeAll, describe, expect, it } from '@jest/globals';
import { toStandardJsonSchema } from '@valibot/to-json-schema';
import type { ValidateFunction } from 'ajv';
import { Ajv } from 'ajv';
import { type as arktype } from 'arktype';
import * as v from 'valibot';
import * as z from 'zod';

import { asyncapi, channel, method, service, unchecked } from '../../../src/typed/index.js';

let valid: ValidateFunction;
beforeAll(async () => {
  const file = createRequire(import.meta.url).resolve('@asyncapi/specs/schemas/3.0.0-without-$id.json');
  const schema: unknown = JSON.parse(await readFile(file, 'utf8'));
  valid = new Ajv({ strict: false, validateFormats: false, logger: false }).compile(schema as object);
});

const pose = channel('robots/:id/pose', z.object({ x: z.number(), y: z.number() }), {
  description: 'where a robot is',
});
const logs = channel('logs/:path*', v.string());
const sizes = channel('sizes', toStandardJsonSchema(v.object({ size: v.number() })));
const names = channel('names', arktype('string'));
const math = service('math', {
  divide: method(z.tuple([z.number(), z.number()]), z.number(), {
    errors: { ZERO: z.object({ dividend: z.number() }) },
    description: 'one number by another',
  }),
  reset: method(),
});
const arm = service('robots/:id/arm', { grip: method(z.number(), z.boolean()) });
const info = { title: 'Robot', version: '1.0.0' };

function errorsOf(document: unknown): unknown {
  valid(JSON.parse(JSON.stringify(document)));
  return valid.errors;
}

describe('the document of contracts', () => {
  it('follows the specification of AsyncAPI 3', () => {
    const document = asyncapi(info, {
      publishes: [pose, logs],
      subscribes: [pose, sizes, names],
      provides: [math, arm],
      uses: [arm],
    });
    expect(errorsOf(document)).toBeNull();
    expect(errorsOf({ ...document, channels: { x: { address: 5 } } })).not.toBeNull();
    expect(errorsOf(asyncapi(info, {}))).toBeNull();
  });

  it('has a channel with its parameters and the schema of its bodies, once, for any number of uses', () => {
    const { channels, operations, components } = asyncapi(info, { publishes: [pose], subscribes: [pose] });
    expect(channels).toEqual({
      robots_id_pose: {
        address: 'robots/{id}/pose',
        description: 'where a robot is',
        parameters: { id: {} },
        messages: { message: { payload: { $ref: '#/components/schemas/robots_id_pose' } } },
      },
    });
    expect(operations).toEqual({
      send_robots_id_pose: { action: 'send', channel: { $ref: '#/channels/robots_id_pose' } },
      receive_robots_id_pose: { action: 'receive', channel: { $ref: '#/channels/robots_id_pose' } },
    });
    expect(components.schemas).toMatchObject({
      robots_id_pose: { type: 'object', properties: { x: { type: 'number' } }, required: ['x', 'y'] },
    });
  });

  it('has the call and the reply of a procedure, with the errors it declares', () => {
    const { channels, operations, components } = asyncapi(info, { provides: [math] });
    expect(Object.values(channels)).toMatchObject([
      { address: 'math/divide/-rpc/{caller}/{number}/call', description: 'one number by another' },
      {
        address: 'math/divide/-rpc/{caller}/{number}/result',
        messages: {
          message: {
            payload: {
              anyOf: [
                { required: ['okay'], properties: { okay: { $ref: '#/components/schemas/math_divide_result' } } },
                { required: ['error', 'code', 'data'], properties: { code: { const: 'ZERO' } } },
                { required: ['error'] },
              ],
            },
          },
        },
      },
      { address: 'math/reset/-rpc/{caller}/{number}/call' },
      { address: 'math/reset/-rpc/{caller}/{number}/result' },
    ]);
    expect(operations['receive_math_divide']).toMatchObject({ action: 'receive', reply: { channel: {} } });
    expect(Object.keys(components.schemas)).toEqual(['math_divide_argument', 'math_divide_result', 'math_divide_ZERO']);
  });

  it('takes the schemas of every validator that can tell, and any value for the others', () => {
    const { components, channels } = asyncapi(info, {
      subscribes: [sizes, names, logs, channel('raw', unchecked<number>())],
    });
    expect(components.schemas).toMatchObject({ sizes: { type: 'object' }, names: { type: 'string' } });
    expect(channels['logs_path']).toMatchObject({ address: 'logs/{path}', messages: { message: { payload: {} } } });
    expect(channels['raw']).toMatchObject({ messages: { message: { payload: {} } } });
    const undescribable = channel('x', z.custom<Date>());
    expect(asyncapi(info, { publishes: [undescribable] }).components.schemas).toEqual({});
  });

  it('leads to the right place from within a recursive schema', () => {
    const tree: z.ZodType = z.object({ name: z.string(), children: z.lazy(() => z.array(tree)) });
    const document = asyncapi(info, { publishes: [channel('tree', tree)] });
    expect(errorsOf(document)).toBeNull();
    const refs = JSON.stringify(document).match(/"\$ref":"[^"]*"/g) ?? [];
    expect(refs.every((ref) => ref.includes('#/components/schemas/tree') || ref.includes('#/channels/tree'))).toBe(
      true,
    );
  });

  it('keeps apart what would get one name', () => {
    const { channels } = asyncapi(info, { publishes: [channel('a/b'), channel('a_b'), channel('a-b'), channel('')] });
    expect(Object.keys(channels)).toEqual(['a_b', 'a_b_2', 'a_b_3', 'root']);
  });
});
