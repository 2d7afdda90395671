// What is wrong with a YAML text, in words that never quote it: the parser's own messages may repeat what stands in the
// file, and a password may stand there.

/** By the parser's codes. A code that is missing here has messages that are fixed sentences. */
const WORDS: Readonly<Record<string, string>> = {
  BAD_ALIAS: 'an alias (*) or anchor (&) without a usable name; a text that begins with * or & must be quoted',
  BAD_COLLECTION_TYPE: 'a tag (!) that does not fit its value; a text that begins with ! must be quoted',
  BAD_DIRECTIVE: 'a line that begins with % is a directive; this one is not known',
  BAD_DQ_ESCAPE: 'an escape (\\) that does not exist; in single quotes it needs none',
  BAD_PROP_ORDER: 'an anchor (&) or tag (!) in the wrong place',
  BAD_SCALAR_START: 'a text that begins with a reserved character (@ ` % | > and others) must be quoted',
  NON_STRING_KEY: 'a key that is no text',
  RESOURCE_EXHAUSTION: 'it is nested too deeply',
  TAG_RESOLVE_FAILED: 'a tag (!) that is not known; a text that begins with ! must be quoted',
  UNEXPECTED_TOKEN:
    'something stands here that cannot: look for a bracket or quote that is missing or too many, or a text with special characters that must be quoted',
};
/** One mistake makes many: those after it are rarely of use. */
const MOST = 3;

export interface YamlProblem {
  readonly code: string;
  /** Of the parser. */
  readonly message: string;
  /** From 1 on. */
  readonly line: number;
}

/** A line for each of the first problems, `spoke.yaml:12: …`. */
export function yamlProblems(file: string, problems: readonly YamlProblem[]): string[] {
  const lines = problems.map(({ code, message, line }) => `${file}:${line}: ${WORDS[code] ?? message}`);
  return [...new Set(lines)].slice(0, MOST);
}
