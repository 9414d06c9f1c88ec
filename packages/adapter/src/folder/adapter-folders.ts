/** Several adapters in one folder, as PEFT has them: 'default' in the folder itself, every other in a sub-folder of its name. */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { LoranError } from '@loran/plugin';
import type { Adapter } from '../adapter.js';
import type { AdapterSet } from '../adapter-set.js';
import { configFileName } from './adapter-config.js';
import { loadAdapter, type LoadAdapterOptions } from './load-adapter.js';
import { saveAdapter, type SaveAdapterOptions } from './save-adapter.js';

/** Writes the set's adapters, or those named. Throws INVALID_ADAPTER_NAME before anything is written, and what saveAdapter throws. */
export async function saveAdapters(
  set: AdapterSet,
  folder: string,
  { names = set.names(), ...options }: SaveAdapterOptions & { readonly names?: readonly string[] } = {},
): Promise<void> {
  const adapters = names.map((name) => set.get(name));
  const places = adapters.map(({ name }) => (name === 'default' ? folder : path.join(folder, checkedName(name))));
  for (const [i, adapter] of adapters.entries()) await saveAdapter(adapter, places[i]!, options);
}

/** Adds every adapter of such a folder, in the order of their names, 'default' first. Throws ADAPTER_NOT_FOUND, and what loadAdapter throws. */
export async function loadAdapters(
  set: AdapterSet,
  folder: string,
  options: Omit<LoadAdapterOptions, 'name'>,
): Promise<readonly Adapter[]> {
  const entries = await readdir(folder).catch(() => [] as string[]);
  const places = [
    ...((await isAdapter(folder)) ? [['default', folder] as const] : []),
    ...(
      await Promise.all(
        entries.sort().map(async (name) => {
          const place = path.join(folder, name);
          return (await isAdapter(place)) ? [[name, place] as const] : [];
        }),
      )
    ).flat(),
  ];
  if (places.length === 0) {
    throw new LoranError('ADAPTER_NOT_FOUND', `Neither '${folder}' nor a folder in it has ${configFileName}.`);
  }
  const loaded: Adapter[] = [];
  try {
    for (const [name, place] of places) loaded.push(await loadAdapter(set, place, { ...options, name }));
  } catch (error) {
    for (const { name } of loaded) set.remove(name, { force: true }); // all of them, or none
    throw error;
  }
  return loaded;
}

function checkedName(name: string): string {
  if (/^[^/\\\0]+$/.test(name) && name !== '.' && name !== '..') return name;
  throw new LoranError(
    'INVALID_ADAPTER_NAME',
    `The adapter's name ${JSON.stringify(name)} cannot be the name of a folder. Name it without slashes.`,
  );
}

const isAdapter = (folder: string): Promise<boolean> =>
  stat(path.join(folder, configFileName)).then(
    (entry) => entry.isFile(),
    () => false,
  );
