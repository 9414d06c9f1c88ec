import { expect, test } from 'vitest';
import type { Tokenizer } from '@loran/models';
import { continuation } from './continuation.js';
import { encodeChat } from './encode-chat.js';

type Turn = { role: string; content?: string; [field: string]: unknown };

/** Characters are ids; '<', the end of a turn, is special. */
const tokenizer = (render: (turns: readonly Turn[], prompt: boolean) => string): Tokenizer =>
  ({
    encode: (texts: string[]) => texts.map((text) => Array.from(text, (character) => character.charCodeAt(0))),
    applyChatTemplate: (turns: readonly Turn[], { addGenerationPrompt = false } = {}) =>
      Promise.resolve(render(turns, addGenerationPrompt)),
  }) as unknown as Tokenizer;

const simple = tokenizer((turns, prompt) => {
  const written = turns.map(({ role, content }) => `${role[0]}:${content}<`).join('');
  return prompt ? `${written}a:` : written;
});

/** The text with what is learned in capitals. */
async function learned(messages: Turn[], of = simple, longest = 1000): Promise<string> {
  const { ids, supervised } = await encodeChat({ form: 'chat', messages, line: 1 }, of, longest);
  return ids
    .map((id, i) => {
      const character = String.fromCharCode(id);
      return supervised[i] ? character.toUpperCase().replace('<', '!') : character;
    })
    .join('');
}

test("what the assistant says is learned, and the end of its turn; not the template's own words", async () => {
  const turns = [
    { role: 'system', content: 'be kind' },
    { role: 'user', content: 'hi' },
    { role: 'assistant', content: 'hello' },
    { role: 'user', content: 'bye' },
    { role: 'assistant', content: 'ciao' },
  ];
  expect(await learned(turns)).toBe('s:be kind<u:hi<a:HELLO!u:bye<a:CIAO!');
});

test('turns that are marked are left out, and the mark does not reach the template', async () => {
  const turns = [
    { role: 'user', content: 'hi' },
    { role: 'assistant', content: 'no', train: false },
    { role: 'user', content: 'hi' },
    { role: 'assistant', content: 'yes', train: 1 },
  ];
  expect(await learned(turns)).toBe('u:hi<a:no<u:hi<a:YES!');
  const marks = tokenizer((all) => JSON.stringify(all).toLowerCase());
  await expect(learned([{ role: 'user', content: 'x', train: false }], marks)).resolves.not.toContain('train');
});

test('a conversation without an assistant has nothing to learn, and what is too long is cut', async () => {
  expect(await learned([{ role: 'user', content: 'hi' }])).toBe('u:hi<');
  const turns = [
    { role: 'user', content: 'hi' },
    { role: 'assistant', content: 'hello' },
  ];
  expect(await learned(turns, simple, 9)).toBe('u:hi<a:HE');
  const { cut } = await encodeChat({ form: 'chat', messages: turns, line: 1 }, simple, 9);
  expect(cut).toBe(4);
});

test('a template that rewrites earlier turns is refused, with the line', async () => {
  const rewriting = tokenizer((turns) => turns.map(({ content }, i) => (i + 1 < turns.length ? '' : content)).join(''));
  const turns = [
    { role: 'user', content: 'a' },
    { role: 'assistant', content: 'b' },
    { role: 'user', content: 'c' },
  ];
  await expect(learned(turns, rewriting)).rejects.toMatchObject({ code: 'CHAT_TEMPLATE_REWRITES' });
});

test('a continuation is tokenised behind its text, unless that changes the ids before', () => {
  // a space is put before every text, as SentencePiece does; 'ab' is one token
  const ids = (text: string) =>
    ` ${text}`.match(/ab|./g)!.map((piece) => piece.charCodeAt(0) + 1000 * (piece.length - 1));
  const pieces = { encode: (texts: readonly string[]) => texts.map(ids) };
  const code = (text: string) => text.charCodeAt(0);
  expect(continuation(pieces, { text: 'x', ids: ids('x') }, 'y')).toEqual([code('y')]);
  expect(continuation(pieces, { text: 'xa', ids: ids('xa') }, 'b')).toEqual([code(' '), code('b')]);
  expect(continuation(pieces, { text: 'x', ids: ids('x') }, '')).toEqual([]);
});
