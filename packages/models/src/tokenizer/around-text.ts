/** The special tokens that a tokenizer.json's post-processor puts around one text. */
import { ModelError } from '../model-error.js';
import { isFields } from './check-description.js';

export interface AroundText {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

const nothing: AroundText = { before: [], after: [] };

/** Throws INVALID_TOKENIZER. */
export function aroundText(name: string, processor: unknown, depth = 0): AroundText {
  const refuse = (complaint: string) =>
    new ModelError('INVALID_TOKENIZER', `${name}: field 'post_processor' ${complaint}.`);
  if (processor === null || processor === undefined) return nothing;
  if (!isFields(processor)) throw refuse(`is ${JSON.stringify(processor)}; expected an object with a type`);
  const id = (pair: unknown): readonly number[] => {
    const found: unknown = Array.isArray(pair) ? pair[1] : undefined;
    if (typeof found !== 'number') throw refuse(`has ${JSON.stringify(pair)} for a token and its id`);
    return [found];
  };
  switch (processor['type']) {
    case 'ByteLevel':
      return nothing;
    case 'BertProcessing':
    case 'RobertaProcessing':
      return { before: id(processor['cls']), after: id(processor['sep']) };
    case 'TemplateProcessing':
      return template(processor, refuse);
    case 'Sequence': {
      const { processors } = processor;
      if (!Array.isArray(processors) || depth > 8) throw refuse('holds no list of processors, or lists within lists');
      return processors
        .map((one) => aroundText(name, one, depth + 1))
        .reduce(
          (inner, outer) => ({
            before: [...outer.before, ...inner.before],
            after: [...inner.after, ...outer.after],
          }),
          nothing,
        );
    }
    default:
      throw refuse(`has the type ${JSON.stringify(processor['type'])}, which is not known`);
  }
}

/** [ { SpecialToken: { id } } | { Sequence: { id: 'A' } }, … ] with the ids of each special token in `special_tokens`. */
function template(
  { single, special_tokens: special }: Readonly<Record<string, unknown>>,
  refuse: (complaint: string) => ModelError,
): AroundText {
  if (!Array.isArray(single)) throw refuse("has no list 'single'");
  const parts = single.map((part: unknown): readonly number[] | 'text' => {
    const token = isFields(part) ? part['SpecialToken'] : undefined;
    if (!isFields(token)) return 'text';
    const known =
      isFields(special) && Object.hasOwn(special, String(token['id'])) ? special[String(token['id'])] : undefined;
    const ids: unknown = isFields(known) ? known['ids'] : undefined;
    if (!Array.isArray(ids) || !ids.every((one) => Number.isInteger(one))) {
      throw refuse(`names the special token ${JSON.stringify(token['id'])}, whose ids 'special_tokens' does not give`);
    }
    return ids as number[];
  });
  const place = parts.indexOf('text');
  if (place < 0 || parts.lastIndexOf('text') !== place) throw refuse("must have the text once in 'single'");
  return { before: parts.slice(0, place).flat() as number[], after: parts.slice(place + 1).flat() as number[] };
}
