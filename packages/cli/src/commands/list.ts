import type { Command } from 'commander';
import type { PluginKind } from '@loran/plugin';
import { repeated } from '../flag-values.js';
import { standardLab } from '../standard-lab.js';
import { line, type Terminal } from '../terminal.js';

const headings: readonly (readonly [PluginKind, string])[] = [
  ['adapter-method', 'methods'],
  ['preset', 'presets'],
  ['activation', 'activations'],
  ['base-storage', 'bases'],
  ['dataset', 'datasets'],
  ['dataset-reader', 'readers'],
  ['evaluator', 'evaluators'],
  ['model-family', 'models'],
  ['engine', 'engines'],
];

export function listCommand(program: Command, terminal: Terminal): void {
  program
    .command('list')
    .description('list the plugins known')
    .option('--plugin <module>', 'module that exports plugins; may be repeated', repeated)
    .option('--json', 'one JSON object')
    .action(async ({ plugin, json }: { plugin?: readonly string[]; json?: boolean }) => {
      const lab = await standardLab({ plugins: plugin ?? [] });
      const known = Object.fromEntries(headings.map(([kind, heading]) => [heading, lab.plugins(kind).list()]));
      if (json === true) {
        const facts = Object.entries(known).map(([heading, plugins]) => [
          heading,
          plugins.map(({ name, package: from, version }) => ({ name, package: from, version })),
        ]);
        return line(terminal.out, JSON.stringify(Object.fromEntries(facts)));
      }
      for (const [heading, plugins] of Object.entries(known)) {
        line(terminal.out, `${heading.padEnd(12)}${plugins.map(({ name }) => name).join(', ') || 'none'}`);
      }
    });
}
