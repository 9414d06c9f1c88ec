import { expect, test } from 'vitest';
import { judge } from './verdict.js';

const results = [
  { name: 'add works', status: 'passed', message: '' },
  { name: 'exp int32', status: 'failed', message: 'differs' },
  { name: 'ragged range', status: 'failed', message: 'no kernel' },
  { name: 'ragged gather', status: 'passed', message: '' },
  { name: 'twice', status: 'passed', message: '' },
  { name: 'twice', status: 'failed', message: 'differs' },
];
const reason = 'a reason';

test('what fails without being excluded is a failure', () => {
  const { counts, failures, excluded, stale } = judge(results, [{ spec: 'exp int32', reason }]);
  expect(counts).toEqual({ passed: 3, failed: 3 });
  expect(failures.map(({ name }) => name)).toEqual(['ragged range', 'twice']);
  expect(excluded.map(({ name }) => name)).toEqual(['exp int32']);
  expect(stale).toEqual([]);
});

test('an exclusion that matches nothing, or a spec that passes, is stale', () => {
  const { stale } = judge(results, [
    { spec: 'exp int', reason },
    { spec: /^ragged/, reason },
  ]);
  expect(stale).toEqual(['exp int matches no spec', 'ragged gather passes']);
});

test('of several specs with one name, one has to fail', () => {
  const { stale, failures } = judge(results, [{ spec: 'twice', reason }]);
  expect(stale).toEqual([]);
  expect(failures.map(({ name }) => name)).toEqual(['exp int32', 'ragged range']);
});

test('what may pass is not stale when it does, but has to exist', () => {
  const mayPass = true;
  const { stale } = judge(results, [
    { spec: 'add works', reason, mayPass },
    { spec: 'sub works', reason, mayPass },
  ]);
  expect(stale).toEqual(['sub works matches no spec']);
});
