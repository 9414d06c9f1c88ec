/** What a tokenizer is made of: the contents of its files, or another format brought into their terms. */
export interface TokenizerFiles {
  /** Where it comes from, for errors. */
  readonly name: string;
  /** tokenizer.json */
  readonly description: unknown;
  /** tokenizer_config.json; default empty. */
  readonly config?: unknown;
  /** Chat templates by name, 'default' the one that is meant when none is named; default none. */
  readonly templates?: ReadonlyMap<string, string>;
  /** Whether tokens were added to what the files say; default false. */
  readonly edited?: boolean;
}
