/** Language models on the command line: the tiny Llama, trained, scored and continued with the default engine. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lastJson, run, runWith } from './__fixtures__/run.js';
import { folderWithLlama, tinyModel } from './__fixtures__/tiny-models.js';

let folder: string;
let model: string;
let pairs: string;

const lines = (rows: readonly object[]) => rows.map((row) => JSON.stringify(row)).join('\n');

beforeAll(async () => {
  ({ folder, model } = await folderWithLlama('language'));
  pairs = path.join(folder, 'pairs.jsonl');
  await writeFile(pairs, lines(Array.from({ length: 8 }, (_, i) => ({ prompt: `${i}+1=`, completion: `${i + 1}` }))));
});
afterAll(() => rm(folder, { recursive: true }));

const cpu = ['--device', 'cpu'];

describe('train, evaluate and generate', () => {
  test('a LoRAN over NF4 learns completions, is scored the same by evaluate, and changes what is generated', async () => {
    const output = path.join(folder, 'adapter');
    const trained = await run(
      ...['train', '--model', model, '--data', pairs, '--test', pairs, '--method', 'loran', '--activation', 'sinter'],
      ...['--base', 'nf4', '--rank', '8', '--alpha', '16', '--target-modules', 'all-linear', '--learning-rate', '0.02'],
      ...['--steps', '40', '--batch-size', '8', '--output', output, '--json', '--quiet', ...cpu],
    );
    expect(trained.err).not.toContain('error');
    const result = lastJson(trained.out);
    expect(result).toMatchObject({ task: 'language-model', examples: 8, steps: 40, folder: output });
    expect(result).not.toHaveProperty('labels');
    expect(result.metrics.perplexity!.value).toBeLessThan(1.5);
    expect(JSON.parse(await readFile(path.join(output, 'adapter_config.json'), 'utf8'))).toMatchObject({
      peft_type: 'LORAN',
      task_type: 'CAUSAL_LM',
    });

    const examples = path.join(folder, 'examples.jsonl');
    const scored = await run(
      ...[
        'evaluate',
        '--model',
        model,
        '--adapter',
        output,
        '--data',
        pairs,
        '--append-eos',
        '--per-example',
        examples,
      ],
      ...['--json', ...cpu],
    );
    expect(scored.err).not.toContain('error');
    const { value } = lastJson(scored.out).metrics.perplexity!;
    expect(value).toBeCloseTo(result.metrics.perplexity!.value, 4);
    const losses = (await readFile(examples, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Loss);
    expect(losses).toHaveLength(8);
    expect(losses.every(({ tokens }) => tokens === 2)).toBe(true); // the digit and the end
    expect(Math.exp(losses.reduce((sum, { loss }) => sum + loss, 0) / 8)).toBeCloseTo(value, 4);

    const before = await run(
      'generate',
      '--model',
      model,
      '--base',
      'nf4',
      '--prompt',
      '3+1=',
      '--max-new-tokens',
      '4',
      '--json',
      ...cpu,
    );
    const after = await run(
      ...['generate', '--model', model, '--adapter', output, '--prompt', '3+1='], // over NF4, as it was trained
      ...['--max-new-tokens', '4', '--json', ...cpu],
    );
    expect(lastJson(after.out)).toMatchObject({ text: '4' });
    const merged = await run(
      ...['generate', '--model', model, '--adapter', output, '--merge', '--prompt', '3+1='],
      ...['--max-new-tokens', '4', '--json', ...cpu],
    );
    expect(merged).toMatchObject({ exitCode: 0, err: expect.not.stringContaining('error') as string });
    expect(lastJson(merged.out)).toEqual(lastJson(after.out));
    expect(lastJson(before.out).text).not.toBe('4');
    const off = await run(
      ...['generate', '--model', model, '--base', 'nf4', '--adapter', `${output}:0`, '--prompt', '3+1='],
      ...['--max-new-tokens', '4', '--json', ...cpu],
    );
    expect(lastJson(off.out)).toEqual(lastJson(before.out));
  });

  test('a model that writes one text from another is known by its family', async () => {
    const t5 = await tinyModel('t5/flan', path.join(folder, 't5'));
    const output = path.join(folder, 't5-adapter');
    const trained = await run(
      ...[
        'train',
        '--model',
        t5,
        '--data',
        pairs,
        '--test',
        pairs,
        '--steps',
        '2',
        '--output',
        output,
        '--json',
        ...cpu,
      ],
    );
    expect(lastJson(trained.out)).toMatchObject({ task: 'sequence-to-sequence', examples: 8, steps: 2 });
    expect(JSON.parse(await readFile(path.join(output, 'adapter_config.json'), 'utf8'))).toMatchObject({
      task_type: 'SEQ_2_SEQ_LM',
      target_modules: ['q', 'v'],
    });
    const scored = await run(
      'evaluate',
      '--model',
      t5,
      '--adapter',
      output,
      '--data',
      pairs,
      '--append-eos',
      '--json',
      ...cpu,
    );
    expect(lastJson(scored.out).metrics.perplexity!.value).toBeCloseTo(
      lastJson(trained.out).metrics.perplexity!.value,
      3,
    );
    const written = await run('generate', '--model', t5, '--prompt', '3+1=', '--max-new-tokens', '3', '--json', ...cpu);
    expect(lastJson(written.out).tokens).toHaveLength(3);
  });

  test('an adapter is trained further, as it is', async () => {
    const first = path.join(folder, 'first');
    const train = (...more: string[]) =>
      run(
        ...[
          'train',
          '--model',
          model,
          '--data',
          pairs,
          '--test',
          pairs,
          '--learning-rate',
          '0.02',
          '--batch-size',
          '8',
        ],
        ...['--json', '--quiet', ...cpu, ...more],
      );
    const short = await train('--rank', '4', '--steps', '12', '--output', first);
    const second = path.join(folder, 'second');
    const longer = await train('--adapter', first, '--steps', '12', '--output', second);
    expect(longer.err).not.toContain('error');
    const perplexity = (ran: { out: string }) => lastJson(ran.out).metrics.perplexity!.value;
    expect(perplexity(longer)).toBeLessThan(perplexity(short));
    expect(JSON.parse(await readFile(path.join(second, 'adapter_config.json'), 'utf8'))).toMatchObject({ r: 4 });
    const changed = await train('--adapter', first, '--rank', '2', '--steps', '1');
    expect(changed.err).toMatch(/ADAPTER_SETTINGS.*rank/);
  });

  test('an adapter on another base works, with a warning from each verb', async () => {
    const adapter = path.join(folder, 'of-llama');
    await run('train', '--model', model, '--data', pairs, '--steps', '1', '--output', adapter, '--quiet', ...cpu);
    const other = await tinyModel('decoders/llama-linear', path.join(folder, 'llama-linear'));
    const on = ['--model', other, '--adapter', adapter, ...cpu];
    for (const verb of [
      ['train', '--data', pairs, '--steps', '1', '--quiet'],
      ['evaluate', '--data', pairs],
      ['generate', '--prompt', '3+1=', '--max-new-tokens', '2'],
      ['convert', '--to', 'mlx', '--output', path.join(folder, 'mlx')],
    ]) {
      const { err, exitCode } = await run(...verb, ...on);
      expect(err).toMatch(/warning: .*of-llama/);
      expect(exitCode).toBe(0);
    }
  });

  test('the rows of a file are continued in their order', async () => {
    const output = path.join(folder, 'answers.jsonl');
    const made = await run(
      ...[
        'generate',
        '--model',
        model,
        '--data',
        pairs,
        '--output',
        output,
        '--max-new-tokens',
        '3',
        '--batch-size',
        '3',
      ],
      ...['--json', ...cpu],
    );
    expect(lastJson(made.out)).toMatchObject({ examples: 8, output });
    const rows = (await readFile(output, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { prompt: string; tokens: number[] });
    expect(rows.map(({ prompt }) => prompt)).toEqual(Array.from({ length: 8 }, (_, i) => `${i}+1=`));
    const alone = await run(
      'generate',
      '--model',
      model,
      '--prompt',
      '5+1=',
      '--max-new-tokens',
      '3',
      '--json',
      ...cpu,
    );
    expect(rows[5]!.tokens).toEqual(lastJson(alone.out).tokens);
    const again = await run('generate', '--model', model, '--data', pairs, '--output', output, ...cpu);
    expect(again).toMatchObject({ exitCode: 1, err: expect.stringMatching(/answers\.jsonl.*exists/) as string });
  });

  test('a session in the terminal keeps the conversation, and the template is asked for', async () => {
    const template =
      '{% for m in messages %}[{{ m.role[0] }}]{{ m.content }}{% endfor %}{% if add_generation_prompt %}[a]{% endif %}';
    await writeFile(path.join(model, 'chat_template.jinja'), template);
    const chat = await runWith(
      Readable.from(['hi\nand?\n/new\nhi\n\n']),
      ...['generate', '--model', model, '--chat', '--max-new-tokens', '3', ...cpu],
    );
    expect(chat.exitCode).toBe(0);
    const answers = chat.out.split('\n');
    expect(answers[2]).toBe(answers[0]); // the same conversation again
    const said = (content: string) => ({ role: 'user', content });
    const whole = [said('hi'), { role: 'assistant', content: answers[0] }, said('and?')];
    const rows = path.join(folder, 'conversations.jsonl');
    await writeFile(rows, lines([{ messages: whole }, { messages: [said('and?')] }]));
    const made = await run('generate', '--model', model, '--data', rows, '--max-new-tokens', '3', ...cpu);
    const [kept, alone] = made.out
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { text: string }).text);
    expect(answers[1]).toBe(kept);
    expect(answers[1]).not.toBe(alone);
    await rm(path.join(model, 'chat_template.jinja'));
    const none = await run('generate', '--model', model, '--chat', '--prompt', 'hi', ...cpu);
    expect(none).toMatchObject({ exitCode: 1, err: expect.stringContaining('NO_CHAT_TEMPLATE') as string });
  });

  test('nothing to continue, and a measure that does not fit, are refused', async () => {
    expect((await run('generate', '--model', model)).err).toContain('NO_PROMPT');
    const wrong = await run('evaluate', '--model', model, '--data', pairs, '--evaluators', 'accuracy', ...cpu);
    expect(wrong.err).toMatch(/WRONG_EVALUATOR.*Choose from perplexity/);
  });
});

interface Loss {
  readonly loss: number;
  readonly tokens: number;
}
