// Channels and patterns, read off the protocol page word by word.

export function canonical(text: string): string {
  const result: string[] = [];
  let run: string[] = [];
  const endRun = () => {
    const stars = run.filter((token) => token === '*');
    result.push(...stars, ...(run.includes('**') ? ['**'] : []));
    run = [];
  };
  for (const token of tokensOf(text)) {
    if (token === '*' || token === '**') run.push(token);
    else {
      endRun();
      result.push(token);
    }
  }
  endRun();
  return result.join('/');
}

export function matches(pattern: string, channel: string): boolean {
  return matchTokens(tokensOf(pattern), tokensOf(channel));
}

function tokensOf(text: string): string[] {
  return text.split('/').filter((token) => token !== '');
}

function matchTokens(pattern: readonly string[], channel: readonly string[]): boolean {
  const [first, ...others] = pattern;
  if (first === undefined) return channel.length === 0;
  if (first === '**') return anySplit(others, channel);
  const [token, ...further] = channel;
  return token !== undefined && (first === '*' || first === token) && matchTokens(others, further);
}

function anySplit(pattern: readonly string[], channel: readonly string[]): boolean {
  for (let taken = 0; taken <= channel.length; taken++) if (matchTokens(pattern, channel.slice(taken))) return true;
  return false;
}
