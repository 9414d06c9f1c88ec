import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { testData } from '@loran/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copyOfTinyBert } from '../__fixtures__/golden.js';
import { loadTokenizer } from '../tokenizer/load-tokenizer.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { ChatMessage } from './chat-message.js';
import { chatTemplates } from './chat-templates.js';

interface Conversation {
  readonly messages: ChatMessage[];
  readonly tools?: unknown[];
  readonly add_generation_prompt?: boolean;
  readonly [variable: string]: unknown;
}

/** Made by tools/parity/chat_templates.py. */
interface GoldenChat {
  readonly tokens: Readonly<Record<'bos_token' | 'eos_token', string>>;
  readonly conversations: Readonly<Record<string, Conversation>>;
  /** By template and conversation; `raises: null` where transformers fails in words of its own. */
  readonly templates: Readonly<Record<string, Readonly<Record<string, { text: string } | { raises: string | null }>>>>;
}

const root = fileURLToPath(new URL('../__fixtures__/chat', import.meta.url));
const golden = JSON.parse(readFileSync(join(root, 'golden.json'), 'utf8')) as GoldenChat;
const smollm2 = testData('models', 'smollm2-135m-instruct-gguf');

function templateOf(name: string): string | undefined {
  if (!name.startsWith('smollm2')) return readFileSync(join(root, `${name}.jinja`), 'utf8');
  return smollm2 && readFileSync(join(smollm2, 'chat_template.jinja'), 'utf8');
}

describe.each(Object.keys(golden.templates))('the template %s', (name) => {
  const template = templateOf(name);
  const { bos_token: bos, eos_token: eos } = golden.tokens;
  const special = { bos, eos, pad: undefined, unk: undefined };
  const { applyChatTemplate } = chatTemplates('tiny', new Map([['default', template ?? '']]), special);

  test.each(Object.entries(golden.conversations))(
    'writes the conversation %s as transformers does',
    async (key, given) => {
      if (template === undefined) return; // SmolLM2's needs LORAN_TEST_DATA/models
      const expected = golden.templates[name]![key]!;
      const { messages, tools, add_generation_prompt: addGenerationPrompt = false, ...variables } = given;
      const written = applyChatTemplate(messages, { ...(tools && { tools }), addGenerationPrompt, variables });
      if ('text' in expected) expect(await written).toBe(expected.text);
      else
        await expect(written).rejects.toMatchObject({
          code: 'CHAT_TEMPLATE',
          message: expect.stringContaining(expected.raises ?? ''),
        });
    },
  );
});

describe('the templates of a folder', () => {
  let folder: string;
  const write = (name: string, content: unknown) =>
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  const load = (): Promise<Tokenizer> => loadTokenizer(folder);
  const hello = [{ role: 'user', content: 'hello' }];
  beforeAll(() => {
    folder = copyOfTinyBert();
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test('none: an error says so', async () => {
    const tokenizer = await load();
    expect(tokenizer.chatTemplates).toEqual([]);
    await expect(tokenizer.applyChatTemplate(hello)).rejects.toMatchObject({ code: 'NO_CHAT_TEMPLATE' });
  });

  test('in tokenizer_config.json, as a text or by names; tools take tool_use where there is one', async () => {
    write('tokenizer_config.json', { chat_template: 'one {{ messages[0].content }}{{ sep_token }}' });
    expect(await (await load()).applyChatTemplate(hello)).toBe('one hello');
    write('tokenizer_config.json', {
      eos_token: { content: '[SEP]' },
      chat_template: [
        { name: 'default', template: 'plain{{ eos_token }}' },
        { name: 'tool_use', template: 'tools {{ tools | length }}' },
      ],
    });
    const tokenizer = await load();
    expect(tokenizer.chatTemplates).toEqual(['default', 'tool_use']);
    expect(await tokenizer.applyChatTemplate(hello)).toBe('plain[SEP]');
    expect(await tokenizer.applyChatTemplate(hello, { tools: [{}] })).toBe('tools 1');
    expect(await tokenizer.applyChatTemplate(hello, { template: '{{ 6 * 7 }}' })).toBe('42');
    await expect(tokenizer.applyChatTemplate(hello, { template: 'rag' })).rejects.toThrow(
      /named "rag".*default, tool_use/,
    );
    write('tokenizer_config.json', { chat_template: [{ name: 'x' }] });
    await expect(load()).rejects.toThrow(/tokenizer_config\.json: field 'chat_template' holds .*expected a name/);
  });

  test('in files of their own, which come first', async () => {
    write('tokenizer_config.json', { chat_template: 'field' });
    write('chat_template.jinja', 'file');
    mkdirSync(join(folder, 'additional_chat_templates'));
    write(join('additional_chat_templates', 'rag.jinja'), 'rag');
    const tokenizer = await load();
    expect(await tokenizer.applyChatTemplate(hello)).toBe('file');
    expect(await tokenizer.applyChatTemplate(hello, { template: 'rag' })).toBe('rag');
  });

  test('the model asks for a template that is too large: it is not read', async () => {
    const other = mkdtempSync(join(tmpdir(), 'loran-chat-'));
    folder = copyOfTinyBert();
    write('chat_template.jinja', 'x'.repeat(5_000_000));
    await expect(load()).rejects.toThrow(/chat_template\.jinja has 5000000 bytes/);
    rmSync(other, { recursive: true });
  });
});
