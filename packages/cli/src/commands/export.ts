import { type Command, Option } from 'commander';
import { exportFormats, type ExportModelOptions } from '@loran/experiments';
import { base, number, repeated, targetModules } from '../flag-values.js';
import { configured, type LabFlags, labOf, pick, withLabFlags } from '../lab-flags.js';
import { checkPush, push, type PushFlags, withPushFlags } from '../push.js';
import { line, type Screen } from '../terminal.js';

type ExportFlags = LabFlags & PushFlags & { readonly adapter?: readonly string[]; readonly to?: string };

export function mergeCommand(program: Command, terminal: Screen): void {
  exporting(program.command('merge'), terminal)
    .description('merge adapters into a model: a Hugging Face folder that transformers loads')
    .addHelpText(
      'after',
      `
Example:
  loran merge --model org/name --adapter ./adapter --dtype bf16 --output ./merged`,
    );
}

export function convertCommand(program: Command, terminal: Screen): void {
  exporting(program.command('convert'), terminal)
    .description('write a model (adapters merged in) or an adapter in another format')
    .addOption(
      new Option('--to <format>', exportFormats.map(({ name, about }) => `${name}: ${about}`).join('; '))
        .choices(exportFormats.map(({ name }) => name))
        .makeOptionMandatory(),
    )
    .addHelpText(
      'after',
      `
Examples:
  loran convert --model model.gguf --to hf --output ./model
  loran convert --model ./model --adapter ./adapter --to gguf --dtype q8_0 --output model.gguf
  loran convert --model ./model --adapter ./adapter --to onnx --output ./onnx-model
  loran convert --model ./model --adapter ./adapter --to mlx --output ./mlx-adapter`,
    );
}

function exporting(command: Command, screen: Screen): Command {
  const { out, err } = screen;
  return withPushFlags(withLabFlags(command))
    .option('--model <path>', "model folder, GGUF file, or name on the Hugging Face hub: 'org/name'")
    .option(
      '--adapter <folder>',
      "adapter folder, PEFT's or mlx-lm's, its name on the hub, or .gguf file of llama.cpp's; may be repeated",
      repeated,
    )
    .option('--base <name>', "storage of the frozen weights (default: that of the adapter's training, or fp32)", base)
    .option(
      '--dtype <type>',
      "f32, f16, bf16; in GGUF q8_0, q4_0 as well (default: the checkpoint's; in GGUF f16, in ONNX f32)",
    )
    .option(
      '--adapter-inputs <names>',
      'onnx: modules that get inputs for .onnx_adapter files, or all-linear',
      targetModules,
    )
    .option('--adapter-inputs-required', 'onnx: these inputs must be given (onnxruntime-node fills no others)')
    .option('--max-shard-bytes <n>', 'bytes of tensors in one file (default: 5e9)', number)
    .option('--output <path>', 'folder or file to write')
    .option('--overwrite', 'replace what is there')
    .action(async (flags: ExportFlags) => {
      const given = {
        ...pick(flags, [
          'model',
          'base',
          'to',
          'dtype',
          'maxShardBytes',
          'adapterInputs',
          'adapterInputsRequired',
          'output',
          'overwrite',
        ]),
        ...(flags.adapter === undefined ? {} : { adapters: flags.adapter }),
      };
      const options = await configured(flags, given);
      checkPush(flags, options.output);
      const lab = await labOf(flags, screen);
      const { warnings, ...result } = await lab.export(options as unknown as ExportModelOptions);
      for (const warning of warnings) line(err, `warning: ${warning}`);
      await push(flags, result.output, undefined, screen);
      line(out, flags.json === true ? JSON.stringify({ ...result, warnings }) : `Written: ${result.output}`);
    });
}
