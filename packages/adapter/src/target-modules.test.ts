import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { openEngine, portableEngine } from '@loran/tensor';
import { beforeAll, expect, test } from 'vitest';
import { Slot } from './slot.js';
import { frozenTensor } from './storage/fp32.js';
import { matchContainers, matchTargetModules } from './target-modules.js';

beforeAll(() => openEngine(portableEngine('cpu')));

const paths = ['embeddings.word', 'layer.0.query', 'layer.0.key', 'layer.1.query', 'layer.1.myquery', 'classifier'];
const model = {
  modules: () =>
    new Map(
      paths.map((path) => [
        path,
        new Slot(path, frozenTensor(tf.zeros([2, 2]), null, path.startsWith('emb') ? 'embedding' : 'linear')),
      ]),
    ),
  outputHead: ['classifier'],
};

test.each([
  ['an ending after a dot', ['query'], ['layer.0.query', 'layer.1.query']],
  ['a whole path', ['layer.0.key', 'classifier'], ['layer.0.key', 'classifier']],
  ['a regular expression for the whole path', 'layer\\.1\\..*', ['layer.1.query', 'layer.1.myquery']],
  [
    'all linear modules but the head',
    'all-linear',
    ['layer.0.query', 'layer.0.key', 'layer.1.query', 'layer.1.myquery'],
  ],
])('%s', (_, targets, expected) => {
  expect(matchTargetModules(model, targets)).toEqual(expected);
});

test('modules to save are left out', () => {
  expect(matchTargetModules(model, ['key', 'classifier'], ['classifier'])).toEqual(['layer.0.key']);
});

test('a name of a module to save stands for all inside it', () => {
  const paths = ['layer.classifier', 'classifier.dense', 'classifier.out_proj', 'classifiers.dense', 'classifier2'];
  expect(matchContainers(paths, ['classifier'])).toEqual(paths.slice(0, 3));
  expect(matchContainers(paths, ['out_proj'])).toEqual(['classifier.out_proj']);
});

test('a regular expression that does not match the whole path matches nothing', () => {
  expect(() => matchTargetModules(model, 'query')).toThrow(
    /No linear or embedding module matches 'query'.*Did you mean 'query', 'myquery'/,
  );
});

test('a broken regular expression says so', () => {
  expect(() => matchTargetModules(model, 'layer.(')).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }));
});
