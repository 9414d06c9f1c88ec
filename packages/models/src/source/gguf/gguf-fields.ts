/** The metadata of a GGUF file by name and type; those of the model begin with its architecture's name. */
import type { GgufFile, GgufValue } from '@loran/formats';
import { ModelError } from '../../model-error.js';

export class GgufFields {
  readonly file: GgufFile;
  readonly architecture: string;

  /** Throws INVALID_MODEL_CONFIG when the file says nothing of an architecture. */
  constructor(file: GgufFile) {
    this.file = file;
    const architecture = this.#value('general.architecture')?.value;
    if (typeof architecture !== 'string') {
      throw new ModelError(
        'INVALID_MODEL_CONFIG',
        `${file.name}: its metadata have no text 'general.architecture', so nobody can tell what its tensors are. Convert the model anew.`,
      );
    }
    this.architecture = architecture;
  }

  /** A number of the model: 'block_count' for 'llama.block_count'. Throws INVALID_MODEL_CONFIG when it is absent or no number. */
  number(key: string): number {
    const value = this.numberOr(key);
    if (value === undefined) throw this.#wrong(this.#full(key), 'is missing', 'a number');
    return value;
  }

  numberOr(key: string): number | undefined {
    const full = this.#full(key);
    const field = this.#value(full);
    if (field === undefined) return undefined;
    const { type, value } = field;
    if (type === 'float32') return Number(value.toPrecision(7)); // 1e-5 rather than 0.00000999999974737875
    if (typeof value === 'number') return value;
    if (type.endsWith('[]')) return this.#shared(full, Array.from(value as ArrayLike<unknown>)); // one for each layer
    throw this.#wrong(full, `is a ${type}`, 'a number');
  }

  /** Any field that is a text, under its full name. */
  text(full: string): string | undefined {
    const field = this.#value(full);
    if (field === undefined || field.type === 'string') return field?.value;
    throw this.#wrong(full, `is a ${field.type}`, 'a text');
  }

  flag(full: string): boolean | undefined {
    const field = this.#value(full);
    if (field === undefined || field.type === 'bool') return field?.value;
    throw this.#wrong(full, `is a ${field.type}`, 'true or false');
  }

  texts(full: string): readonly string[] | undefined {
    const field = this.#value(full);
    if (field === undefined || field.type === 'string[]') return field?.value;
    throw this.#wrong(full, `is a ${field.type}`, 'a list of texts');
  }

  numbers(full: string): ArrayLike<number> | undefined {
    const field = this.#value(full);
    if (field === undefined) return undefined;
    if (field.type.endsWith('[]') && typeof (field.value as ArrayLike<unknown>)[0] === 'number') {
      return field.value as ArrayLike<number>;
    }
    throw this.#wrong(full, `is a ${field.type}`, 'a list of numbers');
  }

  /** Id of a special token: 'eos_token_id' for 'tokenizer.ggml.eos_token_id'. */
  tokenId(name: string): number | undefined {
    const full = `tokenizer.ggml.${name}`;
    const field = this.#value(full);
    if (field === undefined) return undefined;
    if (typeof field.value === 'number' && Number.isInteger(field.value) && field.value >= 0) return field.value;
    throw this.#wrong(full, `is ${JSON.stringify(field.value)}`, 'the id of a token');
  }

  #value(full: string): GgufValue | undefined {
    return this.file.fields.get(full);
  }

  #full(key: string): string {
    return `${this.architecture}.${key}`;
  }

  #shared(full: string, values: readonly unknown[]): number {
    const [first] = values;
    if (typeof first === 'number' && values.every((value) => value === first)) return first;
    throw this.#wrong(full, 'differs from layer to layer', 'the same number for all, as the families here have it');
  }

  #wrong(full: string, is: string, expected: string): ModelError {
    return new ModelError(
      'INVALID_MODEL_CONFIG',
      `${this.file.name}: metadata field '${full}' ${is}; expected ${expected}.`,
    );
  }
}
