/** One ESLint configuration for the workspace: type-aware rules, the arrows between packages, and complete package.json files. */
import eslint from '@eslint/js';
import nx from '@nx/eslint-plugin';
import * as jsoncParser from 'jsonc-eslint-parser';
import tseslint from 'typescript-eslint';
import { externals, layers, testLayers } from './tools/repo/layers.mjs';

const tests = ['**/*.test.ts', '**/*.test-d.ts', '**/__fixtures__/**/*.ts'];

/** The arrows as Nx constraints; tests may also use what `testLayers` adds. */
function boundaries(extra) {
  const depConstraints = Object.entries(layers).map(([layer, allowed]) => ({
    sourceTag: `layer:${layer}`,
    onlyDependOnLibsWithTags: [layer, ...allowed, ...(extra[layer] ?? [])].map((name) => `layer:${name}`),
    bannedExternalImports: Object.entries(externals)
      .filter(([, users]) => !users.includes(layer))
      .map(([pattern]) => pattern),
  }));
  return ['error', { enforceBuildableLibDependency: true, banTransitiveDependencies: false, depConstraints }];
}

export default tseslint.config(
  {
    ignores: ['**/dist', '**/out-tsc', '**/coverage', '**/generated', '**/.cache', '**/runs', '.nx', '**/node_modules'],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts', '**/*.mjs'],
    extends: [eslint.configs.recommended],
    plugins: { '@nx': nx },
    rules: { eqeqeq: 'error', 'no-console': 'error', 'object-shorthand': 'error', 'prefer-template': 'error' },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@nx/enforce-module-boundaries': boundaries({}),
      '@typescript-eslint/consistent-type-imports': 'error',
      // Interfaces for contracts and types for the rest; numbers and booleans print as expected in messages.
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // A checked index is often proven by the loop around it.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // Fires on indexed access that another package's types declare as always present.
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
    },
  },
  {
    files: tests,
    rules: {
      '@nx/enforce-module-boundaries': boundaries(testLayers),
      // Tests hand over what the types forbid, read JSON fixtures, and give empty callbacks.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    // Configuration files stand outside the projects' tsconfigs.
    files: ['**/*.config.ts', 'vitest.shared.ts', '**/*.mjs'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: {
      parserOptions: { projectService: false, project: null },
      globals: Object.fromEntries(
        ['console', 'process', 'URL', 'performance', 'setTimeout'].map((g) => [g, 'readonly']),
      ),
    },
  },
  { files: ['packages/cli/src/**', 'examples/**', 'tools/**'], rules: { 'no-console': 'off' } },
  {
    files: ['packages/*/package.json'],
    languageOptions: { parser: jsoncParser },
    plugins: { '@nx': nx },
    rules: {
      '@nx/dependency-checks': [
        'error',
        {
          ignoredFiles: [
            '{projectRoot}/vitest.config.ts',
            '{projectRoot}/src/**/*.test.ts',
            '{projectRoot}/src/**/__fixtures__/**',
          ],
        },
      ],
    },
  },
);
