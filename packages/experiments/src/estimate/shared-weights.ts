/**
 * A storage that keeps one weight for each shape: to a rehearsal, which computes nothing, layers of equal shape are as good as one.
 * What a weight takes is still counted for each layer, as its storage says it.
 */
import type { BaseStorage, FrozenWeight } from '@loran/adapter';

export function sharingWeights(storage: BaseStorage): BaseStorage {
  const kept = new Map<string, Promise<FrozenWeight>>();
  return {
    ...storage,
    store(source) {
      const { kind, rows, columns, bias } = source;
      const key = [kind, rows, columns, bias === null].join();
      const weight = kept.get(key) ?? storage.store(source);
      kept.set(key, weight);
      return weight;
    },
  };
}
