import path from 'node:path';
import { type Command, Option } from 'commander';
import { analysisPlot, analysisTable } from '@loran/analysis';
import { type AnalyseTrainedOptions, reducedFormats, type ReduceTrainedOptions } from '@loran/experiments';
import { writeFileAtomic } from '@loran/formats';
import { base, number } from '../flag-values.js';
import { configured, type LabFlags, labOf, pick, withLabFlags } from '../lab-flags.js';
import { line, type Screen } from '../terminal.js';

export function analyseCommand(program: Command, screen: Screen): void {
  const { out, err } = screen;
  adapted(program.command('analyse'))
    .description('what an adapter does to each weight: spectrum, effective rank, what its activation changes')
    .option('--rank <n>', "look beyond this rank (default: the adapter's)", number)
    .option('--values <n>', 'singular values of a large layer (default: 64)', number)
    .option('--exact-up-to <n>', 'find all of them up to this smaller side of a layer (default: 256)', number)
    .option('--plot <file>', 'write the spectra as an HTML file')
    .addHelpText(
      'after',
      `
Example:
  loran analyse --model org/name --adapter ./adapter --plot spectra.html`,
    )
    .action(async (flags: LabFlags & { readonly plot?: string }) => {
      const given = pick(flags, ['model', 'adapter', 'base', 'rank', 'values', 'exactUpTo']);
      const options = await configured(flags, given);
      const lab = await labOf(flags, screen);
      const analysis = await lab.analyse(options as unknown as AnalyseTrainedOptions);
      if (flags.plot !== undefined) {
        await writeFileAtomic(flags.plot, await analysisPlot(analysis));
        line(err, `Plot: ${path.resolve(flags.plot)}`);
      }
      line(out, flags.json === true ? JSON.stringify(analysis) : analysisTable(analysis));
    });
}

export function reduceCommand(program: Command, screen: Screen): void {
  const { out, err } = screen;
  adapted(program.command('reduce'))
    .description('write an adapter of any method as a LoRA of chosen rank, with the error of each layer')
    .option('--rank <n>', 'rank of the LoRA; with --energy the most it may be', number)
    .option('--energy <share>', 'share of the squared norm to keep, such as 0.99: each layer gets its own rank', number)
    .addOption(new Option('--to <format>', '(default: peft)').choices([...reducedFormats]))
    .option('--output <path>', 'folder or file to write')
    .option('--overwrite', 'replace what is there')
    .addHelpText(
      'after',
      `
Examples:
  loran reduce --model org/name --adapter ./loran --rank 16 --output ./lora
  loran reduce --model org/name --adapter ./loran --rank 16 --to gguf-lora --output lora.gguf`,
    )
    .action(async (flags: LabFlags) => {
      const given = pick(flags, ['model', 'adapter', 'base', 'rank', 'energy', 'to', 'output', 'overwrite']);
      const options = await configured(flags, given);
      const lab = await labOf(flags, screen);
      const result = await lab.reduce(options as unknown as ReduceTrainedOptions);
      for (const warning of result.warnings) line(err, `warning: ${warning}`);
      if (flags.json === true) return line(out, JSON.stringify(result));
      const width = Math.max(...result.layers.map((layer) => layer.path.length));
      for (const layer of result.layers) {
        line(out, `${layer.path.padEnd(width)}  rank ${String(layer.rank).padStart(3)}  error ${figure(layer.error)}`);
      }
      line(out, `‖ΔW − B·A‖ / ‖ΔW‖ over all layers: ${figure(result.error)}`);
      line(out, `Written: ${result.output}`);
    });
}

function adapted(command: Command): Command {
  return withLabFlags(command)
    .option('--model <path>', "model folder, GGUF file, or name on the Hugging Face hub: 'org/name'")
    .option('--adapter <folder>', 'adapter folder, or its name on the hub')
    .option('--base <name>', "storage of the frozen weights (default: that of the adapter's training, or fp32)", base);
}

const figure = (value: number): string => (value === 0 ? '0' : value.toExponential(2));
