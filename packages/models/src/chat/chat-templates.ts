/** The chat templates of one tokenizer, rendered with the variables that transformers gives them. */
import { ModelError } from '../model-error.js';
import type { SpecialNames } from '../tokenizer/special-names.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { ChatMessage } from './chat-message.js';
import { renderTemplate } from './render-template.js';

/** `name`: the tokenizer's, for errors. */
export function chatTemplates(
  name: string,
  templates: ReadonlyMap<string, string>,
  special: SpecialNames,
): Pick<Tokenizer, 'chatTemplates' | 'applyChatTemplate'> {
  const tokens = Object.fromEntries(
    Object.entries(special).flatMap(([key, token]) => (token === undefined ? [] : [[`${key}_token`, token]])),
  );
  return {
    chatTemplates: [...templates.keys()],
    applyChatTemplate: async (messages, { tools, addGenerationPrompt = false, template, variables = {} } = {}) =>
      renderTemplate(chosen(name, templates, template, tools !== undefined), {
        ...tokens,
        ...variables,
        messages: messages.map(withReasoning),
        tools: tools ?? null,
        documents: null,
        add_generation_prompt: addGenerationPrompt,
      }),
  };
}

function chosen(
  name: string,
  templates: ReadonlyMap<string, string>,
  asked: string | undefined,
  withTools: boolean,
): string {
  const known = [...templates.keys()];
  if (asked !== undefined) {
    const found = templates.get(asked) ?? (/\{[{%#]/.test(asked) ? asked : undefined); // a name, or a text with Jinja in it
    if (found !== undefined) return found;
    throw new ModelError(
      'NO_CHAT_TEMPLATE',
      `${name} has no chat template named ${JSON.stringify(asked)}, and it is no template itself. Known are ${known.join(', ') || 'none'}.`,
    );
  }
  const found = (withTools ? templates.get('tool_use') : undefined) ?? templates.get('default');
  if (found !== undefined) return found;
  throw new ModelError(
    'NO_CHAT_TEMPLATE',
    known.length === 0
      ? `${name} comes without a chat template: the model is not made for conversations, or chat_template.jinja is missing beside it. Give one as \`template\`, or use plain texts.`
      : `${name} has the chat templates ${known.join(', ')} and no default. Name one as \`template\`.`,
  );
}

const reasoningFields = ['reasoning_content', 'thinking', 'reasoning'];

/** A message's reasoning has had several names; templates read the first, or 'thinking'. */
function withReasoning(message: ChatMessage): ChatMessage {
  const field = reasoningFields.find((one) => message[one] != null);
  if (field === undefined) return message;
  return { thinking: message[field], ...message, reasoning_content: message[field] };
}
