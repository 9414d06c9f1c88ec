import { type Command, Option } from 'commander';
import type { EvaluateOptions } from '@loran/experiments';
import { merged, readConfigFile } from '../config-file.js';
import { list, number, repeated } from '../flag-values.js';
import { evaluationJson, metricLines } from '../results.js';
import { standardLab } from '../standard-lab.js';
import { line, type Terminal } from '../terminal.js';
import { definedLab } from './train.js';

interface EvaluateFlags {
  readonly [name: string]: unknown;
  readonly config?: string;
  readonly plugin?: readonly string[];
  readonly engine?: string;
  readonly device?: 'auto' | 'cpu' | 'webgpu' | 'cuda';
  readonly threads?: number;
  readonly json?: boolean;
}

export function evaluateCommand(program: Command, terminal: Terminal): void {
  program
    .command('evaluate')
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
    .option('--config <file>', 'options as YAML or JSON; flags go on top')
    .option('--plugin <module>', 'module that exports plugins; may be repeated', repeated)
    .option('--engine <name>', "(default: 'onnxruntime')")
    .addOption(new Option('--device <name>', '(default: auto)').choices(['auto', 'cpu', 'webgpu', 'cuda']))
    .option('--threads <n>', 'threads of one operator (default: all cores)', number)
    .option('--json', 'end stdout with one JSON object')
    .action(async (flags: EvaluateFlags) => {
      const { model, adapter, data, textField, labelField, labels, base, pooling, maxLength, evaluators } = flags;
      const given = {
        model,
        adapter,
        data: { train: data, textField, labelField },
        labels,
        base,
        pooling,
        maxLength,
        evaluators,
      };
      const options = merged(flags.config === undefined ? {} : await readConfigFile(flags.config), given);
      const lab = await standardLab({ ...definedLab(flags), plugins: flags.plugin ?? [] });
      const result = await lab.evaluate(options as unknown as EvaluateOptions);
      if (flags.json === true) return line(terminal.out, JSON.stringify(evaluationJson(result)));
      for (const text of metricLines(result)) line(terminal.out, text);
    });
}
