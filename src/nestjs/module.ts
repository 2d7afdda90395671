// A `SpokeClient` to be injected, which ends with the application.

import type {
  DynamicModule,
  InjectionToken,
  ModuleMetadata,
  OptionalFactoryDependency,
  Provider,
} from '@nestjs/common';
import { Module } from '@nestjs/common';

import { SpokeClient } from './client.js';
import type { SpokeConnectionOptions } from './connection.js';

interface Named {
  /** Under what it is injected. Default: the class `SpokeClient`. */
  readonly name?: InjectionToken;
  /** Whether all modules can inject it without importing this one. Default `false`. */
  readonly isGlobal?: boolean;
}

export interface SpokeModuleOptions extends SpokeConnectionOptions, Named {}

export interface SpokeModuleAsyncOptions extends Named, Pick<ModuleMetadata, 'imports'> {
  readonly inject?: (InjectionToken | OptionalFactoryDependency)[];
  /** Called with what `inject` names. */
  // Nest's own type of a factory.
  readonly useFactory: (...given: never[]) => SpokeConnectionOptions | Promise<SpokeConnectionOptions>;
}

/**
 * `imports: [SpokeModule.register({ url: 'tcp://localhost:7181' })]`, then `constructor(@Inject(SpokeClient) spoke: SpokeClient)`.
 * The client connects when it is first used, and is closed with the application.
 */
export class SpokeModule {
  /** A client with the options given here. */
  static register(options: SpokeModuleOptions = {}): DynamicModule {
    const { name = SpokeClient, isGlobal = false, ...rest } = options;
    return moduleOf({ provide: name, useFactory: () => new SpokeClient(rest) }, name, isGlobal, []);
  }

  /** A client whose options other providers know, such as a configuration. */
  static registerAsync(options: SpokeModuleAsyncOptions): DynamicModule {
    const { name = SpokeClient, isGlobal = false, inject = [], imports = [], useFactory } = options;
    const make = async (...given: never[]) => new SpokeClient(await useFactory(...given));
    return moduleOf({ provide: name, inject, useFactory: make }, name, isGlobal, imports);
  }
}
Module({})(SpokeModule);

function moduleOf(
  client: Provider,
  name: InjectionToken,
  global: boolean,
  imports: NonNullable<ModuleMetadata['imports']>,
): DynamicModule {
  return { module: SpokeModule, global, imports, providers: [client], exports: [name] };
}
