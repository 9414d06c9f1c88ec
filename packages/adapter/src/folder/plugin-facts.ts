/**
 * Which plugins an adapter was made with, in its files: so that whoever lacks one is told what to install.
 *
 *   "plugins": [{ "kind": "adapter-method", "name": "…", "package": "npm-package", "version": "1.2.0" }, …]
 *
 * A field of adapter_config.json. PEFT warns about fields that it does not know, so where PEFT itself has the method the list stands
 * as JSON in the metadata of the weights' file, without the method. `package` is null for what a script of the trainer's own defined.
 */
import { LoranError, type Plugin, type PluginKind } from '@loran/plugin';
import { z } from 'zod';
import type { AdapterFormat } from '../contract/adapter-method.js';
import { readAdapterConfig } from './adapter-config.js';
import { openAdapterWeights } from './adapter-weights.js';

export const pluginsField = 'plugins';

/** Names are shown to people who may paste them into a terminal: nothing but what npm allows in a name. */
const npmName = z
  .string()
  .max(214)
  .regex(/^(@[a-z0-9~][a-z0-9._~-]*\/)?[a-z0-9~][a-z0-9._~-]*$/);
const facts = z.array(
  z.object({
    kind: z.string(),
    name: z.string().max(100),
    package: npmName.nullable(),
    version: z
      .string()
      .max(100)
      .regex(/^[\w.+-]+$/)
      .nullable(),
  }),
);

export type PluginFacts = z.infer<typeof facts>[number];

/** The facts of plugins, each once, in an order that does not depend on how they were found. */
function pluginFacts(plugins: Iterable<Plugin>): PluginFacts[] {
  const own = [...plugins].map(({ kind, name, package: from, version }) => ({ kind, name, package: from, version }));
  const byText = new Map(own.map((fact) => [JSON.stringify(fact), fact]));
  return [...byText].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, fact]) => fact);
}

/** How they are written: as a field of the configuration, or in the metadata of the weights' file. */
export function pluginRecord(
  format: AdapterFormat<unknown>,
  method: Plugin,
  plugins: readonly Plugin[],
): { readonly fields: Readonly<Record<string, unknown>>; readonly metadata: Readonly<Record<string, string>> } {
  if (format.inPeft !== true) return { fields: { [pluginsField]: pluginFacts([method, ...plugins]) }, metadata: {} };
  const others = pluginFacts(plugins.filter((plugin) => plugin !== method));
  return { fields: {}, metadata: others.length === 0 ? {} : { [pluginsField]: JSON.stringify(others) } };
}

/** What files say of plugins; nothing where they say it in a way that is not understood. */
export function pluginsIn(
  fields: Readonly<Record<string, unknown>>,
  metadata: Pick<ReadonlyMap<string, string>, 'get'> = new Map<string, string>(),
): readonly PluginFacts[] {
  return facts.safeParse(fields[pluginsField] ?? parsed(metadata.get(pluginsField))).data ?? [];
}

/** The same of an adapter's folder. Throws ADAPTER_NOT_FOUND, INVALID_ADAPTER_CONFIG, and what the weights' reader throws. */
export async function readPluginFacts(folder: string): Promise<readonly PluginFacts[]> {
  const fields = await readAdapterConfig(folder);
  const file = await openAdapterWeights(folder);
  try {
    return pluginsIn(fields, file.metadata);
  } finally {
    await file.close();
  }
}

/**
 * That a plugin is missing, where to get it, and what to do: an error with that code. `known` is what the files say of plugins;
 * undefined where they do not say anything of this one.
 */
export function missingPlugin<Code extends string>(
  code: Code,
  folder: string,
  known: readonly PluginFacts[],
  { kind, name }: { readonly kind: PluginKind; readonly name?: string },
): LoranError<Code> | undefined {
  const found = known.find((fact) => fact.kind === kind && (name === undefined || fact.name === name));
  if (found === undefined) return undefined;
  const { package: from, version } = found;
  const what = `'${folder}' was trained with the ${kind} '${found.name}'`;
  return new LoranError(
    code,
    from === null
      ? `${what}, which a program defined for itself. Register it with use(), or, on the command line, with --plugin.`
      : `${what} of the npm package ${from}${version === null ? '' : ` (version ${version})`}, which is not registered. Install it (npm install ${from}) and register it with use(), or, on the command line, with --plugin ${from}.`,
  );
}

/** Plugins that have the name of the trained-with ones, but are others'. */
export function otherPlugins(known: readonly PluginFacts[], plugins: readonly Plugin[]): string[] {
  return plugins.flatMap(({ kind, name, package: from }) => {
    const trained = known.find((fact) => fact.kind === kind && fact.name === name);
    if (trained === undefined || trained.package === from) return [];
    const origin = (of: string | null) => of ?? 'a script';
    return [
      `It was trained with the ${kind} '${name}' of ${origin(trained.package)}; the one at hand is of ${origin(from)}, and may compute something else.`,
    ];
  });
}

function parsed(json: string | undefined): unknown {
  try {
    return JSON.parse(json ?? 'null');
  } catch {
    return null;
  }
}
