import { type Command, Option } from 'commander';
import type { EvaluateOptions } from '@loran/experiments';
import { list, number } from '../flag-values.js';
import { configured, dataOf, type LabFlags, labOf, pick, withLabFlags } from '../lab-flags.js';
import { evaluationJson, metricLines } from '../results.js';
import { line, type Terminal } from '../terminal.js';

export function evaluateCommand(program: Command, terminal: Terminal): void {
  withLabFlags(program.command('evaluate'))
    .description('measure a trained adapter, or a model with its own classifier')
    .option('--model <folder>', 'Hugging Face model folder')
    .option('--adapter <folder>', 'adapter folder, as train wrote it or PEFT')
    .option('--data <file>', 'texts and labels')
    .option('--text-field <name>', "field with the text (default: 'text')")
    .option('--label-field <name>', "field with the label (default: 'label')")
    .option('--labels <names>', 'labels in the order of the classes (default: those of the training)', list)
    .option('--base <name>', "storage of the frozen weights (default: that of the training, or 'fp32')")
    .addOption(new Option('--pooling <way>', '(default: that of the training)').choices(['cls', 'mean']))
    .option('--max-length <tokens>', 'longer texts lose their end (default: that of the training, or 128)', number)
    .option('--evaluators <names>', "what to measure (default: 'accuracy,macro-f1')", list)
    .action(async (flags: LabFlags) => {
      const options = await configured(flags, {
        ...pick(flags, ['model', 'adapter', 'labels', 'base', 'pooling', 'maxLength', 'evaluators']),
        data: { ...dataOf(flags), ...pick(flags, ['textField', 'labelField']) },
      });
      const lab = await labOf(flags);
      const result = await lab.evaluate(options as unknown as EvaluateOptions);
      if (flags.json === true) return line(terminal.out, JSON.stringify(evaluationJson(result)));
      for (const text of metricLines(result)) line(terminal.out, text);
    });
}
