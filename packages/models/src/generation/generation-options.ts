import { LoranError, nearest } from '@loran/plugin';
import { z } from 'zod';

const schema = z.strictObject({
  maxNewTokens: z.int().min(1).default(256).describe('Most tokens to generate for each text.'),
  temperature: z.number().min(0).default(0).describe('0: greedy, always the highest score.'),
  topK: z.int().min(0).default(0).describe('Draw from the k likeliest tokens only; 0: from all.'),
  topP: z.number().gt(0).max(1).default(1).describe('Draw from the fewest tokens that hold this probability; 1: all.'),
  repetitionPenalty: z.number().positive().default(1).describe('Above 1: tokens already seen become less likely.'),
  seed: z.int().default(0).describe('Of the draws; each text and step has its own number, whatever stands beside it.'),
  stop: z.array(z.string().min(1)).default([]).describe('Texts that end a generation; they are not part of it.'),
  endIds: z.array(z.int().min(0)).optional().describe("Token ids that end a text; default the model's own."),
});

/** How texts are continued; all optional. */
export type GenerationOptions = z.input<typeof schema>;
export type GenerationPlan = z.output<typeof schema>;

/** The options with their defaults. Throws GENERATION_OPTION, which names the setting. */
export function planGeneration(options: GenerationOptions): GenerationPlan {
  const result = schema.safeParse(options);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => {
    if (issue.code !== 'unrecognized_keys') return `'${issue.path.join('.')}': ${issue.message}`;
    return issue.keys
      .map(
        (key) =>
          `'${key}' is unknown; did you mean ${nearest(key, Object.keys(schema.shape)).join(' or ') || 'another'}?`,
      )
      .join(' ');
  });
  throw new LoranError('GENERATION_OPTION', `Options of generation: ${problems.join('; ')}`);
}
