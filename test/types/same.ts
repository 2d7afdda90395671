// Whether two types are the same: `any` is the same as nothing else, and a type that got wider is another one.

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2
    ? true
    : { readonly found: A; readonly expected: B };

/** Compiles only with `true`: `same<typeof found, Expected>(true)`. */
export function same<A, B>(_same: Same<A, B>): void {}
