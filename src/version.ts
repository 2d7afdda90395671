/** The version of this package, told to peers that ask and by `--version`. A test holds it against package.json. */
export const VERSION = '0.1.0';
