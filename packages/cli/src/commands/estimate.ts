import { type Command, Option } from 'commander';
import { formatParameterCount } from '@loran/adapter';
import { type EstimateOptions, type MemoryEstimate } from '@loran/experiments';
import { base, number, setting, targetModules } from '../flag-values.js';
import { configured, type LabFlags, labOf, pick, withLabFlags } from '../lab-flags.js';
import { line, type Screen } from '../terminal.js';

type EstimateFlags = LabFlags & { readonly set?: Readonly<Record<string, unknown>> };

export function estimateCommand(program: Command, terminal: Screen): void {
  withLabFlags(program.command('estimate'))
    .description("what a training will take of memory, from the model's config.json: no weights are read")
    .option('--model <path>', "folder with a config.json, GGUF file, or name on the Hugging Face hub: 'org/name'")
    .addOption(
      new Option('--task <name>', 'what is learned (default: what the model can)').choices([
        'classification',
        'language-model',
        'sequence-to-sequence',
      ]),
    )
    .option('--labels <n>', 'labels of a classifier (default: 2)', number)
    .option('--method <name>', "adapter method (default: 'lora')")
    .option('--base <name>', "storage of the frozen weights (default: 'fp32')", base)
    .option('--rank <r>', 'rank of the update', number)
    .option('--dropout <rate>', 'dropout on the way into the adapter', number)
    .option('--activation <name>', 'activation of a nonlinear method, such as sinter')
    .option('--target-modules <names>', 'modules to adapt, as in train', targetModules)
    .option('--set <name=value>', 'another setting of the method; may be repeated', setting)
    .option('--batch-size <n>', 'examples in a batch (default: 32, or 8 for language models)', number)
    .option('--accumulate <n>', 'batches in one update (default: 1)', number)
    .option('--max-length <tokens>', 'length of each text (default: 128, or 512 for language models)', number)
    .addOption(new Option('--optimizer <name>', '(default: adamw)').choices(['adamw', 'adamw-8bit', 'sgd']))
    .action(async (flags: EstimateFlags) => {
      const lab = await labOf(flags, terminal);
      const options = await configured(flags, optionsOf(flags));
      const estimate = await lab.estimate(options as EstimateOptions);
      if (flags.json === true) return line(terminal.out, JSON.stringify(estimate));
      for (const text of estimateLines(estimate)) line(terminal.out, text);
    });
}

function optionsOf(flags: EstimateFlags): Record<string, unknown> {
  return {
    ...pick(flags, ['model', 'task', 'labels', 'base']),
    adapter: { ...pick(flags, ['method', 'rank', 'dropout', 'activation', 'targetModules']), ...flags.set },
    training: pick(flags, ['batchSize', 'accumulate', 'maxLength', 'optimizer']),
  };
}

/** A line for each part, and their sum. */
function estimateLines(estimate: MemoryEstimate): string[] {
  const { task, batchSize, length, base, method, optimizer } = estimate;
  const rows: [string, number][] = [
    [`frozen weights (${base})`, estimate.frozenBytes],
    [`adapter (${method}, fp32)`, estimate.adapterBytes],
    [`optimiser (${optimizer})`, estimate.optimizerBytes],
    [`activations and gradients of ${batchSize} × ${length} tokens`, estimate.activationBytes],
    ['runtime', estimate.runtimeBytes],
    ['peak', estimate.peakBytes],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const megabytes = rows.map(([, bytes]) => `${Math.round(bytes / 1e6).toLocaleString('en-US')} MB`);
  const digits = Math.max(...megabytes.map((text) => text.length));
  return [
    `${estimate.model}, ${task}`,
    ...rows.map(([name], i) => `${name.padEnd(width)}  ${megabytes[i]!.padStart(digits)}`),
    formatParameterCount(estimate.parameters),
  ];
}
