import type { z } from 'zod';
import { ModelError } from '../model-error.js';

/** Checks config.json. Throws INVALID_MODEL_CONFIG, which names every field that is wrong. */
export function parseModelConfig<T>(name: string, what: string, schema: z.ZodType<T>, config: unknown): T {
  const result = schema.safeParse(config);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `'${path.join('.')}': ${message}`);
  throw new ModelError(
    'INVALID_MODEL_CONFIG',
    `${name}: config.json describes no ${what} that can be loaded. ${problems.join('; ')}.`,
  );
}
