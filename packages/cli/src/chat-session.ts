/** `generate --chat`: a conversation in the terminal. An empty line, /exit or the end of input ends it; /new begins again. */
import { createInterface } from 'node:readline/promises';
import type { StreamOptions, TextGenerator } from '@loran/experiments';
import type { ChatMessage } from '@loran/models';
import { line, type Terminal } from './terminal.js';

export interface ChatOptions {
  readonly system?: string;
  readonly generation: StreamOptions;
}

export async function chatSession(
  generator: TextGenerator,
  { system, generation }: ChatOptions,
  { out, err, input = process.stdin }: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const first: ChatMessage[] = system === undefined ? [] : [{ role: 'system', content: system }];
  let messages = [...first];
  const lines = createInterface({ input, terminal: false });
  line(err, 'Say something; /new begins again, an empty line ends.');
  err.write('> ');
  for await (const said of lines) {
    if (said.trim() === '' || said.trim() === '/exit' || signal.aborted) break;
    if (said.trim() === '/new') {
      messages = [...first];
    } else {
      messages.push({ role: 'user', content: said });
      let answer = '';
      for await (const { text } of generator.stream([messages], generation, signal)) {
        answer += text;
        out.write(text);
      }
      line(out, '');
      messages.push({ role: 'assistant', content: answer });
    }
    err.write('> ');
  }
  lines.close();
}
