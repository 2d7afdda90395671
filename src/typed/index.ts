// Contracts: what channels hold and services do, said once, known to the compiler, and checked when the program runs.

export { asyncapi } from './asyncapi.js';
export type { AsyncApiDocument, AsyncApiInfo, AsyncApiParts, ServiceLike } from './asyncapi.js';
export { channel, ChannelAddress, ChannelSet, isChannels } from './channel.js';
export type { ChannelContract, ChannelFamily, ChannelOptions } from './channel.js';
export { issuesOf } from './check.js';
export type { Issue } from './check.js';
export { failure, failureOf } from './failures.js';
export type { Declaring, Failure } from './failures.js';
export type { ContractHost } from './host.js';
export type { JsonSchema } from './json-schema.js';
export { TypedKeptValues } from './kept.js';
export type { TypedKeptEntry, TypedKeptValue } from './kept.js';
export { TypedMessage } from './message.js';
export type { Param, ParamName, ParamsOf, ParamValues, TokenOf } from './path.js';
export { Path } from './path.js';
export type { Answer, ServiceClient, ServiceHandlers } from './procedures.js';
export { unchecked } from './schema.js';
export type { InputOf, OutputOf, SchemaIssue, SchemaResult, StandardSchema } from './schema.js';
export { isService, method, ProcedureContract, service, ServiceAddress, stream } from './service.js';
export type {
  ErrorSchemas,
  MethodContract,
  MethodContractOptions,
  Methods,
  NoErrors,
  ServiceContract,
  ServiceFamily,
  StreamContract,
} from './service.js';
export { TypedSubscription } from './subscription.js';
export type { Reading, TypedHandler } from './subscription.js';
export { typed, TypedClient } from './typed-client.js';
