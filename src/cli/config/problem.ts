// What is wrong with a configuration. Apart, so that a command that reads none loads none.

/** What is wrong with a configuration: lines that begin with the place, `spoke.yaml:12: users.alice: …`. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}
