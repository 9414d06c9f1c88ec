/**
 * Which of an adapter's modules have their inputs rescaled instead of their outputs, matched as PEFT does: a string is a regular
 * expression for the whole path, a list holds endings of paths. An ending need not begin at a dot: 'fc2' matches 'layers.0.fc2',
 * and '2' matches it as well.
 */
export function isFeedforward(names: string | readonly string[], path: string): boolean {
  if (typeof names === 'string') return feedforwardExpression(names).test(path);
  return names.some((name) => path.endsWith(name));
}

/** Throws a SyntaxError where the text is no regular expression. */
export const feedforwardExpression = (text: string): RegExp => new RegExp(`^(?:${text})$`);
