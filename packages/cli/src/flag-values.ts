/** The values of flags: numbers that are numbers, lists separated by commas. */
import { InvalidArgumentError } from 'commander';

export function number(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It should be a number.');
  return value;
}

export function list(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** Numbers separated by commas. */
export const numbers = (text: string): number[] => list(text).map(number);

/** A comma-separated list of names; 'all-linear', and what has the marks of a regular expression, stay one string. */
export function targetModules(text: string): string | string[] {
  return text === 'all-linear' || /[\\*+?()[\]|^$]/.test(text) ? text : list(text);
}

/** Collects a flag that may be given several times. */
export function repeated(text: string, previous: readonly string[] = []): string[] {
  return [...previous, text];
}

/** `name=value` with a JSON value, or a plain string where it is none. */
export function setting(text: string, previous: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError("It should be name=value, such as 'rsLora=true'.");
  const [name, value] = [text.slice(0, at), text.slice(at + 1)];
  try {
    return { ...previous, [name]: JSON.parse(value) as unknown };
  } catch {
    return { ...previous, [name]: value };
  }
}

/** `nf4`, or `nf4:blockSize=128,doubleQuantisation=false`: a base storage with its own options. */
export function base(text: string): string | Record<string, unknown> {
  const [name = '', ...rest] = text.split(':');
  if (rest.length === 0) return name;
  return { ...list(rest.join(':')).reduce<Record<string, unknown>>((all, one) => setting(one, all), {}), name };
}
