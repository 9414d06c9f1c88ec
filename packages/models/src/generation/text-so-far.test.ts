import { expect, test } from 'vitest';
import { textStream } from '../tokenizer/text-stream.js';
import { TextSoFar } from './text-so-far.js';

/** Ids are bytes. */
const bytes = () => textStream((ids) => Buffer.from([...ids]).toString('utf8'));

const stream = (text: string, stop: readonly string[] = []) => {
  const soFar = new TextSoFar(bytes(), stop);
  const parts = [...Buffer.from(text)].map((byte) => soFar.push(byte));
  return { parts, end: soFar.end(), soFar };
};

test('a character of several tokens comes whole, with its last', () => {
  const { parts, end } = stream('a😀é');
  expect(parts).toEqual(['a', '', '', '', '😀', '', 'é']);
  expect(end).toBe('');
});

test('bytes that never become a character come at the end', () => {
  const soFar = new TextSoFar(bytes(), []);
  expect([soFar.push(97), soFar.push(0xf0), soFar.end()]).toEqual(['a', '', '�']);
});

test('what may be the beginning of a stop text is held back until it is not', () => {
  const { parts, end, soFar } = stream('xEyEN', ['END']);
  expect(parts).toEqual(['x', '', 'Ey', '', '']);
  expect(end).toBe('EN');
  expect(soFar.text).toBe('xEyEN');
});

test('a stop text ends the text before it, the first of several, and later tokens are nothing', () => {
  const { parts, end, soFar } = stream('abENDcd', ['cd', 'END']);
  expect(parts.join('')).toBe('ab');
  expect(soFar.stopped).toBe(true);
  expect(end).toBe('');
});
