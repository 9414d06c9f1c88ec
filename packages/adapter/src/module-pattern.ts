/**
 * Settings of single modules, as PEFT's rank_pattern and alpha_pattern give them: keys are regular expressions for the whole
 * path of a module, or for its end after a dot. The first that matches holds.
 */
import { z } from 'zod';

/** The value for the module at `path`; undefined where no pattern matches. */
export function patternValue<T>(patterns: Readonly<Record<string, T>>, path: string): T | undefined {
  return Object.entries(patterns).find(([pattern]) => moduleExpression(pattern).test(path))?.[1];
}

/** The schema of such settings; default none. A key that is no regular expression is named. */
export const modulePatterns = <T>(value: z.ZodType<T>) =>
  z.record(z.string().min(1).refine(isExpression, 'This is not a regular expression.'), value).default({});

function isExpression(text: string): boolean {
  try {
    return moduleExpression(text) instanceof RegExp;
  } catch {
    return false;
  }
}

/** Throws a SyntaxError where `pattern` is no regular expression. */
const moduleExpression = (pattern: string): RegExp => new RegExp(`^(.*\\.)?(${pattern})$`);

/** The pattern of one module. Dots are left as they are, as PEFT writes paths: what else they could match is no module's path. */
export const pathPattern = (path: string): string => path.replaceAll(/[^\w.]/g, '\\$&');
