/** One ESLint configuration for the workspace: type-aware rules, the arrows between packages, and complete package.json files. */
import eslint from '@eslint/js';
import nx from '@nx/eslint-plugin';
import * as jsoncParser from 'jsonc-eslint-parser';
import tseslint from 'typescript-eslint';
import { externals, layers, testExternals, testLayers } from './tools/repo/layers.mjs';

const tests = ['**/*.test.ts', '**/*.test-d.ts', '**/__fixtures__/**/*.ts'];

/** The arrows as Nx constraints; tests may also use what `testLayers` adds. */
function boundaries(extra, external) {
  const depConstraints = Object.entries(layers).map(([layer, allowed]) => ({
    sourceTag: `layer:${layer}`,
    onlyDependOnLibsWithTags: [layer, ...allowed, ...(extra[layer] ?? [])].map((name) => `layer:${name}`),
    bannedExternalImports: Object.entries(external)
      .filter(([, users]) => !users.includes(layer))
      .map(([pattern]) => pattern),
  }));
  return ['error', { enforceBuildableLibDependency: true, allow: ['#tfjs-gradients'], depConstraints }];
}

/** A package.json names what the shipped source imports, and nothing else but `ignored`. */
function dependencyChecks(ignored) {
  const ignoredFiles = ['vitest.config.ts', 'src/**/*.test.ts', 'src/**/__fixtures__/**'].map(
    (file) => `{projectRoot}/${file}`,
  );
  return ['error', { ignoredFiles, ignoredDependencies: ignored }];
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
    rules: { eqeqeq: ['error', 'always', { null: 'ignore' }], 'no-console': 'error', 'object-shorthand': 'error' },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@nx/enforce-module-boundaries': boundaries({}, externals),
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allowArray: true },
      ],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidOperator: true, ignoreVoidReturningFunctions: true },
      ],
      // A checked index is often proven by the loop around it.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Interfaces for contracts, types for the rest.
      '@typescript-eslint/consistent-type-definitions': 'off',
      // tfjs-core types its tensors by rank and its kernels by loose maps: these fire on the casts that it takes to join the two.
      '@typescript-eslint/no-unnecessary-type-assertion': 'off',
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      // Keys of foreign JSON stay in quotes.
      '@typescript-eslint/dot-notation': 'off',
      '@typescript-eslint/no-empty-function': 'off',
    },
  },
  {
    files: tests,
    rules: {
      '@nx/enforce-module-boundaries': boundaries(testLayers, testExternals),
      // Tests hand over what the types forbid, and read JSON fixtures.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/restrict-plus-operands': 'off',
      '@typescript-eslint/unbound-method': 'off',
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
  { files: ['**/*.config.ts'], rules: { '@nx/enforce-module-boundaries': 'off' } },
  { files: ['packages/cli/src/**', 'examples/**', 'tools/**', '**/__fixtures__/**'], rules: { 'no-console': 'off' } },
  {
    files: ['packages/*/package.json'],
    languageOptions: { parser: jsoncParser },
    plugins: { '@nx': nx },
    rules: { '@nx/dependency-checks': dependencyChecks([]) },
  },
  // Packages that no import names: runtimes are loaded by their names, the others are peers of what is imported.
  {
    files: ['packages/engine-onnxruntime/package.json'],
    rules: { '@nx/dependency-checks': dependencyChecks(['onnxruntime-node', 'onnxruntime-common']) },
  },
  {
    files: ['packages/engine-tensorflow/package.json'],
    rules: { '@nx/dependency-checks': dependencyChecks(['@tensorflow/tfjs-node', '@tensorflow/tfjs-node-gpu']) },
  },
  {
    files: ['packages/models/package.json'],
    rules: { '@nx/dependency-checks': dependencyChecks(['@huggingface/jinja']) }, // imported by worker/*.mjs
  },
  {
    files: ['packages/experiments/package.json', 'packages/cli/package.json'],
    rules: { '@nx/dependency-checks': dependencyChecks(['reflect-metadata', '@tensorflow/tfjs-core']) },
  },
);
