import { type Command, Option } from 'commander';
import type { EvaluateOptions } from '@loran/experiments';
import { writeFileAtomic } from '@loran/formats';
import { base, list, number } from '../flag-values.js';
import { configured, dataFields, dataOf, type LabFlags, labOf, pick, withLabFlags } from '../lab-flags.js';
import { evaluationJson, exampleLines, metricLines } from '../results.js';
import { line, type Screen } from '../terminal.js';

type EvaluateFlags = LabFlags & { readonly appendEos?: boolean; readonly perExample?: string };

export function evaluateCommand(program: Command, terminal: Screen): void {
  withLabFlags(program.command('evaluate'))
    .description('measure a trained adapter, or a model with its own classifier')
    .option(
      '--model <path>',
      "model folder, GGUF file, or name on the Hugging Face hub: 'org/name', 'org/name:FILE.gguf'",
    )
    .option('--adapter <folder>', 'adapter folder, as train wrote it or PEFT, or its name on the hub')
    .option('--data <file>', 'texts and labels, or texts, prompts with completions, conversations')
    .option('--text-field <name>', "field with the text (default: 'text')")
    .option('--label-field <name>', "field with the label (default: 'label')")
    .option('--prompt-field <name>', "field with the prompt (default: 'prompt')")
    .option('--completion-field <name>', "field with the completion (default: 'completion')")
    .option('--messages-field <name>', "field with the turns of a conversation (default: 'messages')")
    .addOption(
      new Option('--task <name>', "(default: the adapter's, or what the fields say)").choices([
        'classification',
        'language-model',
        'sequence-to-sequence',
      ]),
    )
    .option('--labels <names>', 'labels in the order of the classes (default: those of the training)', list)
    .option('--base <name>', "storage of the frozen weights (default: that of the training, or 'fp32')", base)
    .addOption(new Option('--pooling <way>', '(default: that of the training)').choices(['cls', 'mean', 'last']))
    .option('--max-length <tokens>', 'longer texts lose their end (default: that of the training, or 128)', number)
    .option('--evaluators <names>', 'what to measure (default: accuracy,macro-f1, or perplexity)', list)
    .option('--append-eos', 'language models: score the end token behind texts and completions as well')
    .option(
      '--per-example <file>',
      'a JSON line for each example, in order: its loss and tokens, or its label and the prediction',
    )
    .action(async (flags: EvaluateFlags) => {
      const options = await configured(flags, {
        ...pick(flags, ['model', 'task', 'adapter', 'labels', 'base', 'pooling', 'maxLength', 'evaluators']),
        ...(flags.appendEos === true ? { appendEnd: true } : {}),
        data: { ...dataOf(flags), ...pick(flags, dataFields) },
      });
      const lab = await labOf(flags, terminal);
      const result = await lab.evaluate(options as unknown as EvaluateOptions);
      for (const warning of result.warnings) line(terminal.err, `warning: ${warning}`);
      if (flags.perExample !== undefined) await writeFileAtomic(flags.perExample, exampleLines(result));
      if (flags.json === true) return line(terminal.out, JSON.stringify(evaluationJson(result)));
      for (const text of metricLines(result)) line(terminal.out, text);
    });
}
