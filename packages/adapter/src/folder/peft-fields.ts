/**
 * What of PEFT's adapter_config.json a method computes. PEFT's configurations have many options; a file that uses one which is not
 * computed is refused by name, since its tensors alone would give other outputs.
 */
import { LoranError } from '@loran/plugin';
import { pluginsField } from './plugin-facts.js';

type Fields = Readonly<Record<string, unknown>>;

export interface PeftFields {
  /** The npm package that reads them, for the error: '@loran/vera'. */
  readonly package: string;
  /** The method's own fields that are read here, or that are of no consequence once trained values are there. */
  readonly known: readonly string[];
  /** Fields that ask for what is not computed when they are used, and what that is. */
  readonly unsupported: Readonly<Record<string, string>>;
}

/** Fields that every configuration has, or that choose modules: read elsewhere. */
const shared: ReadonlySet<string> = new Set([
  ...[
    'peft_type',
    'task_type',
    'peft_version',
    'auto_mapping',
    'base_model_name_or_path',
    'revision',
    'inference_mode',
  ],
  ...['target_modules', 'exclude_modules', 'layers_to_transform', 'layers_pattern', 'modules_to_save'],
  ...['ensure_weight_tying', pluginsField],
]);

/** Throws UNSUPPORTED_PEFT_FEATURE for a field that is used, and not computed or not known at all. */
export function refuseUnsupported(fields: Fields, { package: name, known, unsupported }: PeftFields): void {
  for (const [field, value] of Object.entries(fields)) {
    if (!isUsed(value)) continue;
    const feature = Object.hasOwn(unsupported, field) ? unsupported[field] : undefined;
    if (feature === undefined && (shared.has(field) || known.includes(field))) continue;
    throw unsupportedField(name, field, value, feature ?? 'something that PEFT 0.21 does not have');
  }
}

/** The error about one field: UNSUPPORTED_PEFT_FEATURE. */
export function unsupportedField(name: string, field: string, value: unknown, feature: string): LoranError {
  return new LoranError(
    'UNSUPPORTED_PEFT_FEATURE',
    `adapter_config.json has "${field}": ${JSON.stringify(value)}, which asks for ${feature}; ${name} does not compute that. ` +
      'Merge the adapter with PEFT (merge_and_unload), or train it without this option.',
  );
}

/** Without the fields that are missing or null, whose defaults the method's schema fills in. */
export function givenFields(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null));
}

/** null, false, an empty list and an empty object are PEFT's ways of not using a feature. */
function isUsed(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}
