/** run.json: what was trained, with what, where, and how it ended. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { LoranError } from '@loran/plugin';
import { z } from 'zod';

export const recordFileName = 'run.json';

const metrics = z.record(
  z.string(),
  z.union([z.number(), z.object({ value: z.number(), low: z.number(), high: z.number() })]),
);

const runRecord = z.object({
  format: z.literal('loran-run'),
  formatVersion: z.literal(1),
  /** 'running' is what a killed process leaves. */
  status: z.enum(['running', 'finished', 'interrupted', 'failed']),
  started: z.iso.datetime(),
  ended: z.iso.datetime().optional(),
  /** The settings in use, defaults filled in. */
  configuration: z.record(z.string(), z.unknown()),
  seeds: z.record(z.string(), z.number()),
  /** Class index -> label, and the name to show for it. */
  labels: z.array(z.object({ label: z.string(), name: z.string() })).optional(),
  versions: z.record(z.string(), z.string()),
  machine: z.object({
    system: z.string(),
    architecture: z.string(),
    processor: z.string(),
    cores: z.number(),
    memoryBytes: z.number(),
    engine: z.string(),
    device: z.string(),
  }),
  /** How far it came. */
  progress: z
    .object({
      step: z.number(),
      epoch: z.number(),
      seconds: z.number(),
      tokens: z.number(),
      peakResidentBytes: z.number(),
    })
    .optional(),
  evaluations: z.array(z.object({ step: z.number(), epoch: z.number(), metrics })),
  /** The last metrics known. */
  metrics,
  error: z.object({ code: z.string(), message: z.string() }).optional(),
});

export type RunRecord = z.infer<typeof runRecord>;

/** The record of the run in `folder`. Throws RUN_NOT_FOUND and INVALID_RUN, which names the field. */
export async function readRun(folder: string): Promise<RunRecord> {
  const file = path.join(folder, recordFileName);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new LoranError(
      'RUN_NOT_FOUND',
      `No run in '${folder}': ${recordFileName} could not be read. Give the folder that a training wrote.`,
      { cause },
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new LoranError('INVALID_RUN', `${file} is not JSON.`, { cause });
  }
  const result = runRecord.safeParse(json);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `field '${issue.path.join('.')}': ${issue.message}`);
  throw new LoranError('INVALID_RUN', `${file}: ${problems.join('; ')}.`, { cause: result.error });
}

/** The text of run.json. */
export const formatRun = (record: RunRecord): string => `${JSON.stringify(record, null, 2)}\n`;
