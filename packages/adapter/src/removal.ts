/** When an adapter can leave its model: not while the model would silently go on with something else. */
import { LoranError } from '@loran/plugin';
import type { Adapter } from './adapter.js';
import { adapterStatus } from './adapter-status.js';
import type { Adaptable } from './contract/adaptable.js';

/** `names`: all adapters of the model. Throws ADAPTER_ACTIVE, but not with `force`, and BASE_IN_USE. */
export function refuseRemoval(model: Adaptable, adapter: Adapter, names: readonly string[], force: boolean): void {
  const { name } = adapter;
  const { active, replaces } = adapterStatus(model, adapter);
  const others = names.filter((other) => other !== name);
  if (active !== false && others.length > 0 && !force) {
    throw new LoranError(
      'ADAPTER_ACTIVE',
      `'${name}' is active, and the model also has ${others.join(', ')}. Say first what it shall compute with: activate('${others[0]}'), or activate() for the base model.`,
    );
  }
  const above = new Set(replaces.flatMap((path) => model.modules().get(path)!.names()));
  above.delete(name);
  if (above.size === 0) return;
  const builders = [...above].join(', ');
  throw new LoranError(
    'BASE_IN_USE',
    `'${name}' replaced frozen weights, such as that of '${replaces[0]}', on which ${builders} builds. Remove ${builders} first.`,
  );
}
