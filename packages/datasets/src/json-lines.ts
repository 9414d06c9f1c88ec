/** JSON Lines: one JSON object a line, UTF-8; blank lines are skipped, CRLF and a byte order mark are fine. */
import { clip, DatasetError } from './dataset-error.js';
import type { DatasetReader, Row } from './dataset-reader.js';
import { readLines, type TextLine } from './read-lines.js';
import { version } from './version.js';

export const jsonLinesReader: DatasetReader = {
  kind: 'dataset-reader',
  name: 'json-lines',
  package: '@loran/datasets',
  version,
  extensions: ['.jsonl', '.jsonl.gz', '.ndjson', '.ndjson.gz', '.json', '.json.gz'],
  async *rows(file) {
    for await (const line of readLines(file)) {
      if (line.text.trim() !== '') yield parseRow(line, file);
    }
  },
};

function parseRow({ text, line }: TextLine, file: string): Row {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw malformed(text, file, line, (cause as Error).message, cause);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return { line, fields: value as Record<string, unknown> };
  throw malformed(
    text,
    file,
    line,
    `the line is ${Array.isArray(value) ? 'an array' : JSON.stringify(value).slice(0, 20)}, not an object`,
  );
}

function malformed(text: string, file: string, line: number, reason: string, cause?: unknown): DatasetError {
  const start = text.trimStart();
  const advice = start.startsWith('[')
    ? 'A JSON array becomes JSON Lines with: jq -c ".[]" old > new'
    : start.trimEnd() === '{'
      ? 'An object spread over several lines becomes one line with: jq -c . old > new'
      : 'Correct the line or remove it';
  return new DatasetError({
    code: 'DATASET_MALFORMED_JSON',
    file,
    line,
    found: `malformed JSON in "${clip(text.trim())}" (${reason.replace(/\s+/g, ' ')})`,
    expected: 'one JSON object, such as {"text": "…", "label": "…"}',
    advice,
    cause,
  });
}
