/**
 * A conversation as the model's chat template renders it, with the assistant's turns marked as learned.
 *
 * The text before a turn and the text with it are rendered apart; what the turn adds is its part of the whole, and its ids
 * those that it adds to the ids of the prompt, so that a reply is tokenised as it is generated.
 */
import type { ChatMessage, LanguageExample } from '@loran/datasets';
import type { Tokenizer } from '@loran/models';
import { LoranError } from '@loran/plugin';
import { continuation } from './continuation.js';
import type { EncodedText } from './encoded-text.js';

type Chat = Extract<LanguageExample, { form: 'chat' }>;

interface Part {
  readonly text: string;
  readonly learned: boolean;
}

/** Throws NO_CHAT_TEMPLATE, CHAT_TEMPLATE (what the template raises), and CHAT_TEMPLATE_REWRITES. */
export async function encodeChat(example: Chat, tokenizer: Tokenizer, longest: number): Promise<EncodedText> {
  const parts = await partsOf(example, tokenizer);
  const ids: number[] = [];
  const supervised: boolean[] = [];
  let before = '';
  for (const { text, learned } of parts) {
    for (const id of continuation(tokenizer, { text: before, ids }, text, { allowSpecial: true })) {
      ids.push(id);
      supervised.push(learned && ids.length > 1);
    }
    before += text;
  }
  return {
    ids: ids.slice(0, longest),
    supervised: supervised.slice(0, longest),
    cut: Math.max(0, ids.length - longest),
  };
}

async function partsOf({ messages, tools, line }: Chat, tokenizer: Tokenizer): Promise<Part[]> {
  const render = (count: number, addGenerationPrompt: boolean) =>
    tokenizer.applyChatTemplate(messages.slice(0, count).map(withoutMark), {
      addGenerationPrompt,
      ...(tools === undefined ? {} : { tools }),
    });
  const whole = await render(messages.length, false);
  const parts: Part[] = [];
  let done = 0;
  const add = (end: number, learned: boolean) => {
    if (end > done) parts.push({ text: whole.slice(done, end), learned });
    done = Math.max(done, end);
  };
  for (const [i, message] of messages.entries()) {
    if (!isLearned(message)) continue;
    const before = await render(i, true);
    const behind = await render(i + 1, false);
    if (!whole.startsWith(before) || !whole.startsWith(behind)) {
      throw new LoranError(
        'CHAT_TEMPLATE_REWRITES',
        `The chat template changes earlier turns when later ones follow, so turn ${i + 1} of the conversation of line ${line} cannot be found in the whole. Train on conversations that end with the turn to learn ("train": false on the others does not help here), or on prompt and completion.`,
      );
    }
    add(before.length, false);
    add(behind.length, true);
  }
  add(whole.length, false);
  return parts;
}

const isLearned = ({ role, train }: ChatMessage): boolean => role === 'assistant' && train !== false && train !== 0;

function withoutMark(message: ChatMessage): ChatMessage {
  const { train: _, ...rest } = message;
  return rest;
}
