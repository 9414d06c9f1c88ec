/**
 * The modules that an adapter's file holds whole. PEFT names them in `modules_to_save`, except embeddings and output heads of a
 * model whose vocabulary was resized: those it adds on its own (save_embedding_layers 'auto'), under the key of the bare module,
 * and beside modules that are named as second copies:
 *
 *   X.weight                                              a module that is named, or an embedding that is not
 *   X.modules_to_save.weight, X.original_module.weight    the same once more, and the values before the training
 */
import type { Adaptable } from '../contract/adaptable.js';
import { matchContainers, namesFor } from '../target-modules.js';
import type { AdapterConfigFile } from './adapter-config.js';
import { prefix } from './adapter-keys.js';

export interface SavedModules {
  /** As AdapterOptions.modulesToSave has them. */
  readonly names: readonly string[];
  /** See AdapterOptions.ensureWeightTying. */
  readonly tied: boolean;
}

/** `tensors`: those of the adapter's file by key. */
export function savedModulesOf(
  model: Adaptable,
  { modules_to_save: named, ensure_weight_tying: tied }: AdapterConfigFile,
  tensors: Pick<ReadonlyMap<string, unknown>, 'has'>,
): SavedModules {
  const modules = model.modules();
  const paths = [...modules.keys()];
  // PEFT lists both 'classifier' and 'score', of which a model has one.
  const names = (named ?? []).filter((name) => matchContainers(paths, [name]).length > 0);
  const known = new Set(matchContainers(paths, names));
  const hasTokens = (path: string) =>
    modules.get(path)?.frozen.kind === 'embedding' || model.outputHead?.includes(path) === true;
  const added = paths.filter((path) => hasTokens(path) && !known.has(path) && tensors.has(`${prefix}${path}.weight`));
  if (added.length === 0 || tied === true) return { names, tied: tied === true };
  // PEFT reads these into the model itself, where a tied head is the embedding's weight
  return { names: [...names, ...namesFor(model, added)], tied: true };
}

/** Whether the key holds again what another key of the file has, or values from before the training. `read`: the keys that are read. */
export function isSecondCopy(key: string, read: Pick<ReadonlyMap<string, unknown>, 'has'>): boolean {
  const bare = key.replace(/\.(modules_to_save|original_module)(?=\.(weight|bias)$)/, '');
  return bare !== key && read.has(bare);
}
