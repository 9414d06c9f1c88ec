import type { Command } from 'commander';
import type { GeneratorOptions, StreamOptions, TextGenerator } from '@loran/experiments';
import { LoranError } from '@loran/plugin';
import { onInterrupt } from '@loran/trainer';
import { generateForFile } from '../generate-file.js';
import { chatSession } from '../chat-session.js';
import { base, list, number, repeated } from '../flag-values.js';
import { configured, type LabFlags, labOf, pick, withLabFlags } from '../lab-flags.js';
import { line, type Screen, type Terminal } from '../terminal.js';

type GenerateFlags = LabFlags & {
  readonly prompt?: string;
  readonly system?: string;
  readonly data?: string;
  readonly output?: string;
  readonly chat?: boolean;
  readonly adapter?: readonly string[];
  readonly promptField?: string;
  readonly messagesField?: string;
  readonly batchSize?: number;
};

export function generateCommand(program: Command, terminal: Screen): void {
  withLabFlags(program.command('generate'))
    .description('continue texts with a language model, or talk with it')
    .option(
      '--model <path>',
      "model folder, GGUF file, or name on the Hugging Face hub: 'org/name', 'org/name:FILE.gguf'",
    )
    .option(
      '--adapter <folder[:scale]>',
      'adapter folder, as train wrote it or PEFT, or its name on the hub; may be repeated',
      repeated,
    )
    .option(
      '--base <name>',
      "storage of the frozen weights: fp32, bf16, int8, nf4, fp4 (default: that of the adapter's training, or fp32)",
      base,
    )
    .option('--merge', 'merge the adapters into the weights first: faster, above all with LoRAN, for more memory')
    .option('--prompt <text>', 'text to continue; with --chat, what the user says')
    .option('--chat', "use the model's chat template; without --prompt a session in the terminal")
    .option('--system <text>', 'with --chat: what the system says first')
    .option('--data <file>', 'prompts or conversations, a row each: .jsonl, .csv, .tsv, each also .gz')
    .option('--prompt-field <name>', "field with the prompt (default: 'prompt')")
    .option('--messages-field <name>', "field with the turns of a conversation (default: 'messages')")
    .option('--batch-size <n>', 'rows of --data at once (default: 8)', number)
    .option('--output <file>', 'JSON lines for the rows of --data (default: stdout)')
    .option('--max-new-tokens <n>', 'most tokens to generate (default: 256)', number)
    .option('--temperature <t>', '0 takes the likeliest token (default: 0)', number)
    .option('--top-k <k>', 'draw from the k likeliest tokens', number)
    .option('--top-p <p>', 'draw from the fewest tokens with this probability', number)
    .option('--repetition-penalty <p>', 'above 1: tokens already seen become less likely', number)
    .option('--stop <texts>', 'texts that end a generation, separated by commas', list)
    .option('--seed <n>', 'of the draws (default: 0)', number)
    .addHelpText(
      'after',
      `
Examples:
  loran generate --model SmolLM2.gguf --prompt "The capital of France is"
  loran generate --model SmolLM2.gguf --chat --system "You are brief." --temperature 0.7
  loran generate --model ./model --adapter ./adapter --data prompts.jsonl --output answers.jsonl`,
    )
    .action(async (flags: GenerateFlags) => {
      const options = await configured(flags, pick(flags, ['model', 'base', 'merge']));
      const lab = await labOf(flags, terminal);
      if (flags.prompt === undefined && flags.data === undefined && flags.chat !== true) {
        throw new LoranError('NO_PROMPT', 'Nothing to continue: give --prompt TEXT, --data FILE, or --chat.');
      }
      const generator = await lab.generator({
        ...options,
        adapters: (flags.adapter ?? []).map(adapterOf),
      } as unknown as GeneratorOptions);
      for (const warning of generator.warnings) line(terminal.err, `warning: ${warning}`);
      const { signal, release } = onInterrupt();
      try {
        const generation = streamOptions(flags);
        if (flags.data !== undefined)
          await generateForFile(generator, lab, { ...flags, data: flags.data }, generation, terminal, signal);
        else if (flags.prompt !== undefined) await once(generator, flags, generation, terminal, signal);
        else await chatSession(generator, { ...pick(flags, ['system']), generation }, terminal, signal);
      } finally {
        release();
        generator.dispose();
      }
    });
}

async function once(
  generator: TextGenerator,
  { prompt = '', chat, system, json }: GenerateFlags,
  generation: StreamOptions,
  { out }: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const turns = [
    ...(system === undefined ? [] : [{ role: 'system', content: system }]),
    { role: 'user', content: prompt },
  ];
  const tokens: number[] = [];
  let whole = '';
  for await (const { id, text } of generator.stream([chat === true ? turns : prompt], generation, signal)) {
    tokens.push(id);
    whole += text;
    if (json !== true) out.write(text);
  }
  line(out, json === true ? JSON.stringify({ text: whole, tokens }) : '');
}

function streamOptions(flags: GenerateFlags): StreamOptions {
  return pick(flags, [
    ...['maxNewTokens', 'temperature', 'topK', 'topP', 'repetitionPenalty', 'stop', 'seed'],
  ]) as StreamOptions;
}

/** 'FOLDER' or 'FOLDER:0.5'. */
function adapterOf(text: string): { folder: string; scale?: number } {
  const [, folder = text, scale] = /^(.+):(-?\d*\.?\d+)$/.exec(text) ?? [];
  return scale === undefined ? { folder } : { folder, scale: Number(scale) };
}
