/** Every plugin that a package ships is put through the laws of its kind by one of the package's tests. */
import type { PluginKind } from '@loran/plugin';
import { isTest, packagesOf, where, type Workspace } from '../workspace.js';

/** The suite of `@loran/testing` for each kind of plugin that has laws. */
const lawsOf: Partial<Record<PluginKind, string>> = {
  activation: 'describeActivation',
  'adapter-method': 'describeAdapterMethod',
  'base-storage': 'describeBaseStorage',
  dataset: 'describeDataset',
  'dataset-reader': 'describeReader',
  evaluator: 'describeEvaluator',
  engine: 'describeEngine',
};

/** A plugin as its package exports it. */
export interface ShippedPlugin {
  readonly folder: string;
  readonly kind: PluginKind;
  /** What it is exported as: by itself, in lists such as `standardActivations`, and by what makes it anew, such as `createNf4` for `nf4`. */
  readonly exportNames: readonly string[];
}

/** Plugins whose laws run elsewhere: `testing` stands on `adapter`, so it runs the laws of the storages of `adapter` itself. */
const testedIn: Readonly<Record<string, string>> = { adapter: 'testing' };

/** One line for each plugin that no test hands to its laws. */
export function pluginsWithoutLaws(workspace: Workspace, plugins: readonly ShippedPlugin[]): string[] {
  return plugins.flatMap(({ folder, kind, exportNames }) => {
    const suite = lawsOf[kind];
    if (suite === undefined) return [];
    const home = packagesOf(workspace).find((member) => member.folder === (testedIn[folder] ?? folder));
    const tests = [...(home?.files ?? [])].filter(([file]) => isTest(file)).map(([, content]) => content);
    const called = tests.some(
      (content) => content.includes(`${suite}(`) && new RegExp(`\\b(?:${exportNames.join('|')})\\b`).test(content),
    );
    return called
      ? []
      : [`${home === undefined ? folder : where(home)}: no test calls ${suite} with ${exportNames.join(' or ')}`];
  });
}

/** The plugins among what a module exports. */
export function pluginsIn(folder: string, module: Readonly<Record<string, unknown>>): ShippedPlugin[] {
  const exported = Object.entries(module);
  return exported
    .filter((entry): entry is [string, { kind: PluginKind }] => isPlugin(entry[1]))
    .map(([name, plugin]) => ({
      folder,
      kind: plugin.kind,
      exportNames: [
        name,
        ...exported.filter(([, value]) => Array.isArray(value) && value.includes(plugin)).map(([list]) => list),
        ...Object.keys(module).filter((other) =>
          other.startsWith(`create${name.charAt(0).toUpperCase()}${name.slice(1)}`),
        ),
      ],
    }));
}

function isPlugin(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'kind' in value && 'package' in value && 'name' in value;
}
