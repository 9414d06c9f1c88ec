/** How a Hugging Face folder says that its linear layers are in bitsandbytes' 4 bits: tensor names, and config.json. */
import { quantStateKey } from './quant-state.js';

export const fp4StateKey = 'weight.quant_state.bitsandbytes__fp4';

const known = [
  'weight',
  'weight.absmax',
  'weight.quant_map',
  'weight.nested_absmax',
  'weight.nested_quant_map',
  quantStateKey,
  fp4StateKey, // recognised in order to be refused by name
];

/** Parts of the 4-bit module at `path`, those that are there; `undefined` when it is none. */
export function nf4PartsIn(names: Pick<ReadonlySet<string>, 'has'>, path: string): readonly string[] | undefined {
  const isPacked = [quantStateKey, fp4StateKey].some((key) => names.has(`${path}.${key}`));
  return isPacked ? known.filter((part) => names.has(`${path}.${part}`)) : undefined;
}

/** `quantization_config` in the fields and the order in which transformers writes it; values are computed with in fp32. */
export const bitsandbytesConfig = (parts: ReadonlySet<string>, unpacked: readonly string[]) => ({
  _load_in_4bit: true,
  _load_in_8bit: false,
  bnb_4bit_compute_dtype: 'float32',
  bnb_4bit_quant_storage: 'uint8',
  bnb_4bit_quant_type: 'nf4',
  bnb_4bit_use_double_quant: parts.has('weight.nested_absmax'),
  llm_int8_enable_fp32_cpu_offload: false,
  llm_int8_has_fp16_weight: false,
  llm_int8_skip_modules: unpacked,
  llm_int8_threshold: 6,
  load_in_4bit: true,
  load_in_8bit: false,
  quant_method: 'bitsandbytes',
});
