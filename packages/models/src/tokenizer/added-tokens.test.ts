import { expect, test } from 'vitest';
import { type AddedToken, addedTokenSplitter } from './added-tokens.js';

const token = (id: number, content: string, more: Partial<AddedToken> = {}): AddedToken => ({ id, content, ...more });

test('the leftmost token is taken, of several the longest', () => {
  const split = addedTokenSplitter([token(0, '<a>'), token(1, '<a><b>'), token(2, 'a><b>c')]);
  expect(split('x<a><b>cy<a>z')).toEqual(['x', 1, 'cy', 0, 'z']);
  expect(split('<a')).toEqual(['<a']);
  expect(split('')).toEqual([]);
  expect(addedTokenSplitter([])('x')).toEqual(['x']);
});

test('a token takes the white space along that it asks for', () => {
  const split = addedTokenSplitter([token(0, '<m>', { lstrip: true }), token(1, '<n>', { rstrip: true })]);
  expect(split('a \t\u00a0<m> b <n>\n c')).toEqual(['a', 0, ' b ', 1, 'c']);
  expect(split('<n>  <m>')).toEqual([1, 0]);
});

test('a token of single words is not found within one', () => {
  const split = addedTokenSplitter([token(0, 'cat', { single_word: true })]);
  expect(split('cat concat cats \u{1d538}cat cat')).toEqual([0, ' concat cats \u{1d538}cat ', 0]);
});
