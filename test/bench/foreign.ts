// Packages that are compared with. They are installed by `npm run bench:install` only, so nothing here may need their types.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// Bundled, this file is test/bench/dist/NUMBER/main.js.
const PACKAGES = fileURLToPath(new URL('../../node_modules/', import.meta.url));

/** Why a package cannot be used, and what to do about it; `undefined` when it can. */
export function missingPackages(...names: string[]): string | undefined {
  const missing = names.filter((name) => !existsSync(`${PACKAGES}${name}/package.json`));
  return missing.length === 0 ? undefined : `${missing.join(', ')} not installed: npm run bench:install`;
}

/** @typeParam T - as much of the module as is used. */
export async function foreign<T>(name: string): Promise<T> {
  const module: T = await import(name);
  return module;
}
