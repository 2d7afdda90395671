// Contracts for web pages, and for whatever else has a client of its own: beside `spoke/browser`, nothing of Node.
//
// The types of `await using`, which Node's types bring with them:
/// <reference lib="esnext.disposable" preserve="true" />

export {
  channel,
  ChannelAddress,
  ChannelSet,
  issuesOf,
  method,
  MethodContract,
  service,
  ServiceAddress,
  typed,
  TypedClient,
  TypedMessage,
  TypedSubscription,
  unchecked,
} from './typed/index.js';
export type {
  ChannelContract,
  ChannelFamily,
  ChannelOptions,
  ErrorSchemas,
  ServiceHandlers,
  InputOf,
  Issue,
  MethodContractOptions,
  Methods,
  NoErrors,
  OutputOf,
  Param,
  ParamName,
  ParamsOf,
  ParamValues,
  Path,
  ProvideOptions,
  Reading,
  SchemaIssue,
  SchemaResult,
  ServiceClient,
  ServiceContract,
  ServiceFamily,
  StandardSchema,
  TokenOf,
  TypedHandler,
} from './typed/index.js';
