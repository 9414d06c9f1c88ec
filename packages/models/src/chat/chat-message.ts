/** One turn of a conversation: who speaks, what is said, and whatever else a template reads, such as `tool_calls`. */
export interface ChatMessage {
  /** 'system', 'user', 'assistant', 'tool', as the model's template knows them. */
  readonly role: string;
  readonly [field: string]: unknown;
}

export interface ChatTemplateOptions {
  /** Tools that the model may call, as JSON schemas. */
  readonly tools?: readonly unknown[];
  /** End with the beginning of the assistant's next turn; default false. */
  readonly addGenerationPrompt?: boolean;
  /** A template by its name or by its text; default: 'tool_use' where tools are given and there is one, else 'default'. */
  readonly template?: string;
  /** Further variables of the template: { enable_thinking: false }. */
  readonly variables?: Readonly<Record<string, unknown>>;
}
