import { expect, test } from 'vitest';
import { SessionCache, type CompiledGraph } from './session-cache.js';

const graph = (key: string, bytes = 1): CompiledGraph => ({ key, bytes, session: 0, nodes: 0, products: [] });

test('keeps the most recently used, up to a number of graphs', () => {
  const released: string[] = [];
  const cache = new SessionCache(2, 100, ({ key }) => released.push(key));
  cache.add(graph('a'));
  cache.add(graph('b'));
  expect(cache.get('a')?.key).toBe('a');
  cache.add(graph('c'));
  expect(released).toEqual(['b']);
  expect(cache.get('b')).toBeUndefined();
  expect(cache.size).toBe(2);
});

test('and up to an amount of memory, but always the newest', () => {
  const released: string[] = [];
  const cache = new SessionCache(10, 100, ({ key }) => released.push(key));
  cache.add(graph('a', 40));
  cache.add(graph('b', 40));
  cache.add(graph('c', 40));
  expect(released).toEqual(['a']);
  cache.add(graph('large', 1000));
  expect(released).toEqual(['a', 'b', 'c']);
  cache.add(graph('d', 1));
  expect(released).toEqual(['a', 'b', 'c', 'large']);
  cache.clear();
  expect(released).toHaveLength(5);
});

test('a large graph that ran once goes with the next; one that comes again stays', () => {
  const released: string[] = [];
  const large = 2 ** 30;
  const cache = new SessionCache(10, 100 * large, ({ key }) => released.push(key));
  cache.add(graph('first step', large));
  cache.add(graph('step', large));
  expect(released).toEqual(['first step']);
  cache.get('step');
  cache.add(graph('evaluation', large));
  cache.add(graph('small', 1));
  expect(released).toEqual(['first step', 'evaluation']);
  cache.add(graph('evaluation', large)); // again
  cache.add(graph('last step', large));
  cache.add(graph('another', 1));
  expect(released).toEqual(['first step', 'evaluation', 'last step']);
  expect(cache.size).toBe(4);
});
