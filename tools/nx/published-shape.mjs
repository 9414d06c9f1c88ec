/**
 * An Nx plugin: gives each package that is published the targets `publint` and `attw`, which look at the packed package as npm and
 * TypeScript users will see it. Inferred, so that a new package cannot forget them.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';

const check = (command, tool) => ({
  command,
  options: { cwd: '{projectRoot}' },
  cache: true,
  dependsOn: ['build'],
  inputs: ['production', { dependentTasksOutputFiles: '**/*', transitive: false }, { externalDependencies: [tool] }],
  outputs: [],
});

const targets = {
  publint: check('publint --strict', 'publint'),
  attw: check('attw --pack . --profile esm-only', '@arethetypeswrong/cli'),
};

export const createNodesV2 = [
  'packages/*/package.json',
  (files, _options, { workspaceRoot }) =>
    files.map((file) => {
      const { private: kept } = JSON.parse(readFileSync(path.join(workspaceRoot, file), 'utf8'));
      return [file, { projects: kept === true ? {} : { [path.dirname(file)]: { targets } } }];
    }),
];
