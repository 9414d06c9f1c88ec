/** How a Hugging Face folder says that its linear layers are in bitsandbytes' 4 bits: tensor names, and config.json. */
import { quantStateKey } from './quant-state.js';

const known = (type: string): readonly string[] => [
  'weight',
  'weight.absmax',
  'weight.quant_map',
  'weight.nested_absmax',
  'weight.nested_quant_map',
  quantStateKey(type),
];

/** Parts of the module at `path`, those that are there; `undefined` when it is none of that type. */
export function fourBitPartsIn(
  type: string,
  names: Pick<ReadonlySet<string>, 'has'>,
  path: string,
): readonly string[] | undefined {
  const isPacked = names.has(`${path}.${quantStateKey(type)}`);
  return isPacked ? known(type).filter((part) => names.has(`${path}.${part}`)) : undefined;
}

/** `quantization_config` in the fields and the order in which transformers writes it; values are computed with in fp32. */
export const bitsandbytesConfig = (type: string, parts: ReadonlySet<string>, unpacked: readonly string[]) => ({
  _load_in_4bit: true,
  _load_in_8bit: false,
  bnb_4bit_compute_dtype: 'float32',
  bnb_4bit_quant_storage: 'uint8',
  bnb_4bit_quant_type: type,
  bnb_4bit_use_double_quant: parts.has('weight.nested_absmax'),
  llm_int8_enable_fp32_cpu_offload: false,
  llm_int8_has_fp16_weight: false,
  llm_int8_skip_modules: unpacked,
  llm_int8_threshold: 6,
  load_in_4bit: true,
  load_in_8bit: false,
  quant_method: 'bitsandbytes',
});
