/** How frozen weights are kept: the name of a base storage, or `{ name: 'nf4', blockSize: 128 }`, the name with the storage's own options. */
import type { BaseStorage } from '@loran/adapter';
import { LoranError, type Registry } from '@loran/plugin';
import { z } from 'zod';

export const baseChoice = z.union([z.string(), z.looseObject({ name: z.string() })]);

export type BaseChoice = z.infer<typeof baseChoice>;

export const baseName = (choice: BaseChoice): string => (typeof choice === 'string' ? choice : choice.name);

/** Throws UNKNOWN_PLUGIN, INVALID_STORAGE_OPTIONS, and what the storage says of its options. */
export function chosenStorage(storages: Pick<Registry<BaseStorage>, 'get'>, choice: BaseChoice): BaseStorage {
  const storage = storages.get(baseName(choice));
  if (typeof choice === 'string') return storage;
  const { name, ...options } = choice;
  const [first] = Object.keys(options);
  if (first === undefined) return storage;
  if (storage.withOptions !== undefined) return storage.withOptions(options);
  throw new LoranError('INVALID_STORAGE_OPTIONS', `The base storage '${name}' has no options; '${first}' was given.`);
}
