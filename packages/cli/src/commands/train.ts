import { type Command, Option } from 'commander';
import { formatParameterCount } from '@loran/adapter';
import { type RunResult, type TrainRunOptions } from '@loran/experiments';
import { onInterrupt, progressBar } from '@loran/trainer';
import { base, list, number, repeated, setting, targetModules } from '../flag-values.js';
import { configured, dataFields, dataOf, type LabFlags, labOf, pick, withLabFlags } from '../lab-flags.js';
import { checkPush, push, type PushFlags, withPushFlags } from '../push.js';
import { metricLines, runJson } from '../results.js';
import { line, type Screen, type Terminal } from '../terminal.js';

type TrainFlags = LabFlags &
  PushFlags & {
    readonly appendEos?: boolean;
    readonly adapter?: string;
    readonly addTokens?: readonly string[];
    readonly addToken?: readonly string[];
    readonly set?: Readonly<Record<string, unknown>>;
  };

export function trainCommand(program: Command, terminal: Screen, result: { exitCode: number }): void {
  withPushFlags(withLabFlags(program.command('train')))
    .description(
      'train an adapter: a classifier on texts with labels, or a language model on texts, prompts or conversations',
    )
    .option(
      '--model <path>',
      "model folder, GGUF file, or name on the Hugging Face hub: 'org/name', 'org/name:FILE.gguf'",
    )
    .option(
      '--data <file>',
      '.jsonl, .csv, .tsv, each also .gz, with text and label, or text, or prompt and completion, or messages; or the name of a dataset',
    )
    .option('--test <file>', 'texts and labels to measure on')
    .option(
      '--test-share <share>',
      'share of --data held out when --test is not given; 0 holds none out (default: 0.1)',
      number,
    )
    .option('--text-field <name>', "field with the text (default: 'text')")
    .option('--label-field <name>', "field with the label (default: 'label')")
    .option('--prompt-field <name>', "field with the prompt (default: 'prompt')")
    .option('--completion-field <name>', "field with the completion (default: 'completion')")
    .option('--messages-field <name>', "field with the turns of a conversation (default: 'messages')")
    .addOption(
      new Option('--task <name>', 'what is learned (default: what the fields say)').choices([
        'classification',
        'language-model',
        'sequence-to-sequence',
      ]),
    )
    .option(
      '--adapter <folder>',
      'an adapter to train further, a folder or its name on the hub; its method, rank and modules are kept',
    )
    .option(
      '--add-tokens <tokens>',
      "tokens of your own: '<tool>,<end_tool>'; embedding and output head are trained whole with them",
      list,
    )
    .option('--add-token <token>', 'one such token, commas and all; may be repeated', repeated)
    .option('--preset <name>', "settings under one name, such as loran.paper (see 'loran list'); flags go on top")
    .option('--method <name>', "adapter method (default: 'lora')")
    .option(
      '--base <name>',
      "storage of the frozen weights: fp32, bf16, int8, nf4, fp4, or 'nf4:blockSize=128' (default: 'fp32')",
      base,
    )
    .option('--rank <r>', 'rank of the update', number)
    .option('--alpha <a>', 'numerator of the scaling alpha / rank', number)
    .option('--dropout <rate>', 'dropout on the way into the adapter', number)
    .option('--activation <name>', 'activation of a nonlinear method, such as sinter')
    .option(
      '--target-modules <names>',
      "modules to adapt: 'query,value', a regular expression, or all-linear",
      targetModules,
    )
    .option('--set <name=value>', "another setting of the method, such as 'rsLora=true'; may be repeated", setting)
    .addOption(new Option('--pooling <way>', 'how a text becomes one vector').choices(['cls', 'mean', 'last']))
    .option('--epochs <n>', 'times through the data (default: 3)', number)
    .option('--steps <n>', 'updates, instead of epochs', number)
    .option('--batch-size <n>', 'examples in a batch (default: 32, or 8 for language models)', number)
    .option('--accumulate <n>', 'batches in one update (default: 1)', number)
    .option('--learning-rate <rate>', 'peak learning rate (default: 0.001, or 0.0005 for language models)', number)
    .addOption(
      new Option('--schedule <name>', 'course of the learning rate (default: linear)').choices([
        'linear',
        'cosine',
        'constant',
      ]),
    )
    .option('--warmup-steps <n>', 'steps of warm-up (default: 10)', number)
    .addOption(new Option('--optimizer <name>', '(default: adamw)').choices(['adamw', 'adamw-8bit', 'sgd']))
    .option('--lora-plus-ratio <ratio>', "LoRA+: learning rate of B as a multiple of A's, such as 16", number)
    .option('--embedding-learning-rate <rate>', 'with LoRA+, of adapters on embeddings (default: 1e-6)', number)
    .option('--weight-decay <rate>', '(default: 0.01)', number)
    .option('--max-gradient-norm <norm>', 'gradients are scaled down to this norm (default: 1)', number)
    .option('--max-length <tokens>', 'what is longer is cut (default: 128, or 512 for language models)', number)
    .option('--no-append-eos', 'language models: do not put the end token behind texts and completions')
    .option('--evaluators <names>', 'what to measure (default: accuracy,macro-f1, or perplexity)', list)
    .option('--seed <n>', '(default: 0)', number)
    .option('--output <folder>', 'folder to write the adapter and the run to')
    .option('--overwrite', 'replace the run that the output folder holds')
    .action(async (flags: TrainFlags) => {
      const options = await configured(flags, optionsOf(flags));
      checkPush(flags, options.output);
      const lab = await labOf(flags, terminal);
      const bar = flags.quiet === true ? undefined : progressBar(terminal.err);
      const { signal, release } = onInterrupt();
      signal.addEventListener('abort', () => {
        bar?.close();
        terminal.bar.clear();
        line(terminal.err, 'Finishing this step, then saving. Ctrl-C again stops at once.');
      });
      let run: RunResult;
      try {
        run = await lab.train(options as unknown as TrainRunOptions, { signal, onEvent: (event) => bar?.show(event) });
      } finally {
        release();
        bar?.close();
      }
      for (const warning of run.warnings) line(terminal.err, `warning: ${warning}`);
      if (run.interrupted) result.exitCode = 130;
      else if (run.folder !== undefined) await push(flags, run.folder, adapterFiles, terminal);
      print(run, flags.json === true, terminal);
    });
}

/** What others need of a run's folder; run.json and metrics.jsonl speak of this machine. */
const adapterFiles = [
  ...['adapter_config.json', 'adapter_model.safetensors', 'README.md'],
  ...['tokenizer.json', 'tokenizer_config.json', 'chat_template.jinja', 'additional_chat_templates/*'],
];

/** The flags given, in the shape of TrainRunOptions. */
function optionsOf(flags: TrainFlags): Record<string, unknown> {
  const addTokens = [...(flags.addTokens ?? []), ...(flags.addToken ?? [])];
  return {
    ...(addTokens.length === 0 ? {} : { addTokens }),
    ...pick(flags, ['model', 'task', 'preset', 'base', 'pooling', 'evaluators', 'seed', 'output', 'overwrite']),
    ...(flags.adapter === undefined ? {} : { startFrom: flags.adapter }),
    data: { ...dataOf(flags), ...pick(flags, [...['test', 'testShare'], ...dataFields]) },
    adapter: {
      ...pick(flags, ['method', 'rank', 'alpha', 'dropout', 'activation', 'targetModules']),
      ...flags.set,
    },
    training: {
      ...(flags.appendEos === false ? { appendEnd: false } : {}),
      ...pick(flags, [
        ...['epochs', 'steps', 'batchSize', 'accumulate', 'maxLength', 'optimizer'],
        ...['loraPlusRatio', 'embeddingLearningRate'],
        ...['learningRate', 'schedule', 'warmupSteps', 'weightDecay', 'maxGradientNorm'],
      ]),
    },
  };
}

function print(run: RunResult, json: boolean, { out }: Terminal): void {
  if (json) return line(out, JSON.stringify(runJson(run)));
  for (const text of metricLines(run)) line(out, text);
  line(
    out,
    `${run.steps} steps, loss ${run.loss.toFixed(4)}, ${run.seconds.toFixed(1)} s, peak memory ${Math.round(run.peakMemoryBytes / 1e6)} MB`,
  );
  line(out, formatParameterCount(run.parameters));
  line(out, `Frozen weights take ${Math.round(run.baseBytes / 1e6)} MB.`);
  if (run.folder !== undefined) line(out, `Adapter: ${run.folder}`);
}
