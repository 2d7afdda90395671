/**
 * All tests, run as native ES modules (see the `jest` script for the Node flags). ts-jest only strips types here;
 * `npm run typecheck` checks them.
 *
 * @jest-config-loader esbuild-register
 */
import type { Config } from 'jest';

const config: Config = {
  testMatch: [
    '<rootDir>/test/{unit,compliance,matrix,interop,fuzz,e2e,package}/**/*.test.ts',
    '<rootDir>/docs/examples/**/*.test.ts',
  ],
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': ['ts-jest', { useESM: true, tsconfig: '<rootDir>/tsconfig.json' }] },
  moduleNameMapper: {
    // TypeScript sources import each other as `./name.js`.
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^spoke$': '<rootDir>/src/index.ts',
    '^spoke/browser$': '<rootDir>/src/browser.ts',
    '^spoke/decorators$': '<rootDir>/src/decorators.ts',
    '^spoke/nats$': '<rootDir>/src/nats.ts',
    '^spoke/nestjs$': '<rootDir>/src/nestjs/index.ts',
    '^spoke/typed$': '<rootDir>/src/typed.ts',
    '^spoke/testing$': '<rootDir>/src/testing/index.ts',
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  injectGlobals: false,
  testTimeout: 30_000,
  maxWorkers: 2,
};

export default config;
