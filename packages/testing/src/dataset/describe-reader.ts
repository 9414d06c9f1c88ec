/** The laws of dataset readers, stated about any object of their shape: a file format as a stream of rows. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LoranError, type Plugin } from '@loran/plugin';
import { describe, expect } from 'vitest';
import { testLaws, type Law, type SkippedLaw } from '../law-suite.js';

/** What a reader must look like. */
export interface ReaderLike extends Plugin {
  readonly extensions: readonly string[];
  rows(file: string): AsyncIterable<RowLike>;
}

interface RowLike {
  readonly line: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface ReaderLawOptions {
  /** Files that it reads: name (it decides the format) -> contents and the rows' fields. */
  readonly files: Readonly<Record<string, { readonly content: string | Uint8Array; readonly rows: readonly object[] }>>;
  /** Files that it refuses: name -> contents and the line that is wrong, where lines mean something. */
  readonly malformed: Readonly<Record<string, { readonly content: string | Uint8Array; readonly line?: number }>>;
  readonly skip?: readonly SkippedLaw[];
}

interface ReaderSubject extends ReaderLawOptions {
  readonly reader: ReaderLike;
}

/** The laws by name. */
export const readerLaws: Readonly<Record<string, Law<ReaderSubject>>> = {
  'says what it is and which files it reads': ({ reader, files }) => {
    expect(reader.kind).toBe('dataset-reader');
    expect(reader.extensions.length).toBeGreaterThan(0);
    for (const extension of reader.extensions) expect(extension).toMatch(/^\.[a-z0-9.]+$/);
    for (const file of Object.keys(files)) {
      expect(
        reader.extensions.some((extension) => file.toLowerCase().endsWith(extension)),
        file,
      ).toBe(true);
    }
  },

  'reads the rows in order, with the place of each': async ({ reader, files }) => {
    for (const [name, { content, rows }] of Object.entries(files)) {
      await withFile(name, content, async (file) => {
        const read = await readAll(reader, file);
        expect(read.map(({ fields }) => fields)).toEqual(rows);
        const lines = read.map(({ line }) => line);
        expect(
          lines.every((line, i) => Number.isInteger(line) && line > (lines[i - 1] ?? 0)),
          String(lines),
        ).toBe(true);
        expect(await readAll(reader, file)).toEqual(read);
      });
    }
  },

  'lets go of the file when the reading is stopped': async ({ reader, files }) => {
    for (const [name, { content, rows }] of Object.entries(files)) {
      await withFile(name, content, async (file) => {
        for await (const { fields } of reader.rows(file)) {
          expect(fields).toEqual(rows[0]);
          break;
        }
        await rm(file); // refused on some systems while the file is open
        await writeFile(file, content);
        expect((await readAll(reader, file)).length).toBe(rows.length);
      });
    }
  },

  'refuses a file that is not there, naming it': async ({ reader, files }) => {
    const [name = 'file'] = Object.keys(files);
    const error: unknown = await readAll(reader, path.join(tmpdir(), 'loran-laws-nowhere', name)).catch(
      (e: unknown) => e,
    );
    expect(LoranError.is(error), String(error)).toBe(true);
    expect(String(error)).toContain(name);
  },

  'refuses a malformed file, naming it and the line': async ({ reader, malformed }) => {
    for (const [name, { content, line }] of Object.entries(malformed)) {
      await withFile(name, content, async (file) => {
        const error: unknown = await readAll(reader, file).catch((e: unknown) => e);
        expect(LoranError.is(error), `${name}: ${String(error)}`).toBe(true);
        expect(String(error)).toContain(name);
        if (line !== undefined) expect(String(error)).toMatch(new RegExp(`\\b${line}\\b`));
      });
    }
  },
};

/** Declares a suite with every law of dataset readers. */
export function describeReader(reader: ReaderLike, { skip, ...options }: ReaderLawOptions): void {
  describe(`laws of the dataset reader '${reader.name}'`, () => {
    testLaws(readerLaws, { reader, ...options }, { skip });
  });
}

async function readAll(reader: ReaderLike, file: string): Promise<RowLike[]> {
  const rows: RowLike[] = [];
  for await (const row of reader.rows(file)) rows.push(row);
  return rows;
}

async function withFile(
  name: string,
  content: string | Uint8Array,
  body: (file: string) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'loran-laws-'));
  try {
    const file = path.join(folder, name);
    await writeFile(file, content);
    await body(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
