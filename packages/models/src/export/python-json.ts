/**
 * JSON for Python's readers, where 3 and 3.0 are of different types: transformers refuses a configuration whose float field holds
 * an integer, and JavaScript writes every whole number as one.
 */

/** Fields of config.json and generation_config.json that are floats, for those that no text shows. */
const floatFields =
  /(^|_)(eps|epsilon|dropout|pdrop|range|theta|factor|softcapping|multiplier|freq|fast|slow|mscale|temperature|threshold|penalty|p)$/;

/** `like`: an earlier text of the same fields, whose numbers tell which are floats; default none. */
export function pythonJson(value: unknown, like = ''): string {
  const shown = new Map<string, boolean>();
  for (const [, key, number] of like.matchAll(/"(\w+)"\s*:\s*(-?\d[\d.eE+-]*)/g))
    shown.set(key!, /[.eE]/.test(number!));
  const isFloat = (key: string) => shown.get(key) ?? floatFields.test(key);
  const text = JSON.stringify(value, undefined, 2);
  return `${text.replace(/^(\s*"(\w+)": -?\d+)(,?)$/gm, (line, start: string, key: string, end: string) =>
    isFloat(key) ? `${start}.0${end}` : line,
  )}\n`;
}
