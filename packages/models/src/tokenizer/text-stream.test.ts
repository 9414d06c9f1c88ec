import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadTokenizer } from './load-tokenizer.js';
import { textStream } from './text-stream.js';

const folder = (kind: string): string => fileURLToPath(new URL(`../__fixtures__/tokenizers/${kind}`, import.meta.url));

describe.each(['gpt2', 'llama', 'llama-metaspace', 't5', 'unigram-bytes', 'gemma', 'bert'])(
  'a stream of %s tokens',
  (kind) => {
    test('gives the whole text however it is cut, and never half a character', async () => {
      const tokenizer = await loadTokenizer(folder(kind));
      const piece = fc.constantFrom(
        'the ',
        'cat',
        '  ',
        '\n',
        '😀',
        '👨‍👩‍👧',
        '日本',
        'é',
        '.',
        ' ,',
        '12',
        'x'.repeat(40),
      );
      fc.assert(
        fc.property(
          fc.array(piece, { maxLength: 40 }),
          fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1 }),
          (pieces, cuts) => {
            const [ids = []] = tokenizer.encode([pieces.join('')], { addSpecialTokens: false });
            const stream = tokenizer.textStream();
            let given = '';
            for (let at = 0, i = 0; at < ids.length; i++) {
              const count = cuts[i % cuts.length]!;
              given += stream.push(ids.slice(at, at + count));
              if (!kind.startsWith('t5')) expect(given).not.toContain('\ufffd');
              at += count;
            }
            expect(given + stream.end()).toBe(tokenizer.decode(ids));
          },
        ),
        { numRuns: 60 },
      );
    });
  },
);

test('bytes that never become a character come out at last, and are not waited for without end', () => {
  const bytes = (ids: readonly number[]) => Buffer.from(ids).toString();
  const stream = textStream(bytes);
  expect(stream.push([0x61, 0xe2])).toBe('a');
  expect(stream.push([0x82])).toBe('');
  expect(stream.push([0xac])).toBe('€');
  expect(stream.push([0xf0, 0x9f])).toBe('');
  expect(stream.end()).toBe('\ufffd');
  const broken = textStream(bytes);
  const given = Array.from({ length: 500 }, () => broken.push([0xff])).join('');
  expect(given.length).toBeGreaterThan(400);
  expect(given + broken.end()).toBe('\ufffd'.repeat(500));
});

test('special tokens are left out of a stream unless they are asked for', async () => {
  const tokenizer = await loadTokenizer(folder('qwen'));
  const [ids = []] = tokenizer.encode(['<|im_start|>hi<|im_end|>'], { allowSpecial: true });
  const all = (options?: { skipSpecialTokens: boolean }) => {
    const stream = tokenizer.textStream(options);
    return stream.push(ids) + stream.end();
  };
  expect(all()).toBe('hi');
  expect(all({ skipSpecialTokens: false })).toBe('<|im_start|>hi<|im_end|>');
});
