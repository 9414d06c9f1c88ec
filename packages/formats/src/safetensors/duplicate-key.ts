/**
 * The first key that one object of a JSON text holds twice, which `JSON.parse` passes over in silence.
 * `json` must already have been parsed without error; a string before a colon is then always a key.
 */
export function duplicateKey(json: string): string | undefined {
  const objects: Set<string>[] = [];
  for (let i = 0; i < json.length; i++) {
    const c = json[i];
    if (c === '{') objects.push(new Set());
    else if (c === '}') objects.pop();
    else if (c === '"') {
      const end = closingQuote(json, i);
      if (isKey(json, end)) {
        const key = JSON.parse(json.slice(i, end + 1)) as string; // an escaped and a plain letter are one key
        const keys = objects.at(-1);
        if (keys?.has(key) === true) return key;
        keys?.add(key);
      }
      i = end;
    }
  }
  return undefined;
}

function closingQuote(json: string, open: number): number {
  let i = open + 1;
  while (i < json.length && json[i] !== '"') i += json[i] === '\\' ? 2 : 1;
  return i;
}

function isKey(json: string, end: number): boolean {
  let i = end + 1;
  while (json[i] === ' ' || json[i] === '\n' || json[i] === '\r' || json[i] === '\t') i++;
  return json[i] === ':';
}
