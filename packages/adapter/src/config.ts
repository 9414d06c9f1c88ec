import { LoranError } from '@loran/plugin';
import type { AdapterMethod } from './contract/adapter-method.js';

/** A configuration checked by the method's schema, defaults filled in. Throws INVALID_CONFIG, naming each field. */
export function parseConfig<Config>(method: AdapterMethod<Config>, input: unknown): Config {
  const result = method.config.safeParse(input);
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message }) => `${path.join('.') || 'configuration'}: ${message}`);
  throw new LoranError('INVALID_CONFIG', `The configuration of '${method.name}' is not valid. ${issues.join('; ')}.`, {
    cause: result.error,
  });
}
