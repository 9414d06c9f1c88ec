import type { Attrs, OutputSpec } from '../kernels/kernel.js';

/** Tells two nodes apart that would emit different operators on equal inputs. JSON will not do: it writes NaN and ∞ alike. */
export function nodeKey(op: string, attrs: Attrs, outputs: readonly OutputSpec[], raw: boolean): string {
  let key = raw ? `${op}!` : op;
  for (const name in attrs) {
    const value = attrs[name];
    if (value !== undefined) key += `|${name}=${typeof value === 'string' ? JSON.stringify(value) : exact(value)}`;
  }
  for (const { shape, dtype, type } of outputs) key += `>${type ?? dtype}${shape.join()}`;
  return key;
}

function exact(value: number | boolean | readonly number[]): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (typeof value === 'boolean') return String(value);
  return `[${value.map(exact).join()}]`;
}
