/** The options as JSON Schema, for editors that check a configuration file while it is written. */
import { z } from 'zod';
import { evaluateOptions } from './evaluate-adapter.js';
import { experimentOptions, trainRunOptions } from './options.js';

const schemas = { train: trainRunOptions, evaluate: evaluateOptions, experiment: experimentOptions };

/** What a configuration file may be for. */
export type ConfigurationKind = keyof typeof schemas;

export const configurationKinds = Object.keys(schemas) as readonly ConfigurationKind[];

/** JSON Schema (draft 2020-12) of what a user writes: settings with a default are not required. */
export function configurationSchema(kind: ConfigurationKind): Record<string, unknown> {
  const { title, ...schema } = z.toJSONSchema(schemas[kind], { io: 'input' }) as Record<string, unknown>;
  return { title: title ?? `loran ${kind}`, ...schema };
}
