/**
 * Which files of a model repository are the model. Many repositories hold the same weights several times, for other frameworks or in
 * the layout of the authors' own code: taken are the configuration, the tokenizer and one set of safetensors.
 */
import { LoranError, nearest } from '@loran/plugin';
import { size } from './cache-failure.js';
import { matchesAny } from './file-patterns.js';

interface Listed {
  readonly path: string;
  readonly bytes: number;
}

const descriptions: readonly RegExp[] = [
  /^(config|generation_config|adapter_config|preprocessor_config|modules)\.json$/,
  /^(tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab)\.json$/,
  /^(vocab|merges)\.txt$/,
  /^(tokenizer|spiece|sentencepiece\.bpe)\.model$/,
  /^chat_template[^/]*$/,
  /^additional_chat_templates\/[^/]+\.jinja$/,
  // sentence-transformers
  /^(sentence_bert_config|config_sentence_transformers)\.json$/,
  /^\d+_[A-Z][A-Za-z]*\/(config\.json|model\.safetensors)$/,
];

/** Sets of weights, the best first: the names that transformers looks for, an adapter, and then whatever is there. */
const weights: readonly RegExp[] = [
  /^model\.safetensors$/,
  /^model(\.safetensors\.index\.json|-\d+-of-\d+\.safetensors)$/,
  /^[^/]+(?<!^adapter_model)\.safetensors(\.index\.json)?$/,
];
const adapterWeights = /^adapter_model\.safetensors$/;
/** What older versions of PEFT wrote, and LoRAN's authors in parts. */
const torchAdapterWeights = /^adapter_model\.bin(\.[a-z]{2})?$/;

/** Weights that loran does not fetch unless they are named. */
const others = /\.(bin|gguf|h5|msgpack|onnx|pt|pth|ckpt|ot|tflite|mlmodel|nemo)$/;

/** The files to fetch of a model. @throws LoranError `HUB_NO_WEIGHTS` where there are no safetensors; says what there is. */
export function modelFiles<File extends Listed>(files: readonly File[], name: string): File[] {
  const chosen = (pattern: RegExp) => files.filter(({ path }) => pattern.test(path));
  const base = weights.map(chosen).find((set) => set.some(({ path }) => path.endsWith('.safetensors'))) ?? [];
  const all = new Set([...descriptions, adapterWeights].flatMap(chosen).concat(base));
  if ([...all].some(({ path }) => path.endsWith('.safetensors') && !path.includes('/'))) return [...all];
  const adapter = files.some(({ path }) => path === 'adapter_config.json') ? chosen(torchAdapterWeights) : [];
  if (adapter.length > 0) return [...all, ...adapter];
  throw noWeights(files, name);
}

/** One GGUF file, with its further parts where it was split. */
export function ggufFiles<File extends Listed>(files: readonly File[], name: string, wanted: string): File[] {
  const [, stem, count] = /^(.*)-\d{5}-of-(\d{5})\.gguf$/.exec(wanted) ?? [];
  const parts = stem === undefined ? [wanted] : [`${stem}-?????-of-${count!}.gguf`];
  const found = files.filter(({ path }) => path === wanted || matchesAny(path, parts));
  if (found.some(({ path }) => path === wanted)) return found;
  const paths = files.filter(({ path }) => others.test(path) || path.endsWith('.safetensors')).map(({ path }) => path);
  const close = nearest(wanted, paths);
  throw new LoranError(
    'HUB_NOT_FOUND',
    `${name} has no file ${JSON.stringify(wanted)}. ${close.length > 0 ? `Did you mean ${close.join(' or ')}?` : `It has ${listed(files)}.`}`,
  );
}

/** The files that match what was asked for. */
export function matchingFiles<File extends Listed>(
  files: readonly File[],
  name: string,
  patterns: readonly string[],
): File[] {
  const found = files.filter(({ path }) => matchesAny(path, patterns));
  if (found.length > 0) return found;
  throw new LoranError(
    'HUB_NOT_FOUND',
    `No file of ${name} matches ${patterns.map((pattern) => JSON.stringify(pattern)).join(', ')}. It has ${listed(files)}.`,
  );
}

function noWeights(files: readonly Listed[], name: string): LoranError {
  const there = files.filter(({ path }) => others.test(path));
  const gguf = there.filter(({ path }) => path.endsWith('.gguf'));
  const advice =
    gguf.length > 0
      ? `Name one of its GGUF files by the file option: ${listed(gguf)}.`
      : `It has ${listed(there.length > 0 ? there : files)}. Look for the same model with safetensors, or fetch files by name with the files option.`;
  return new LoranError('HUB_NO_WEIGHTS', `${name} has no safetensors. ${advice}`);
}

function listed(files: readonly Listed[]): string {
  const shown = files.slice(0, 12).map(({ path, bytes }) => `${path} (${size(bytes)})`);
  const more = files.length - shown.length;
  if (files.length === 0) return 'no files';
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
}
