/**
 * The command line: `loran <verb> …`, thin over @loran/experiments.
 *
 * Results go to stdout, progress and errors to stderr; with --json stdout ends with one JSON object.
 */
import { Command, CommanderError } from 'commander';
import { LoranError } from '@loran/plugin';
import { closeEngine } from '@loran/tensor';
import { phaseBar } from '@loran/trainer';
import { analyseCommand, reduceCommand } from './commands/analyse.js';
import { combineCommand } from './commands/combine.js';
import { completionCommand } from './commands/completion.js';
import { estimateCommand } from './commands/estimate.js';
import { evaluateCommand } from './commands/evaluate.js';
import { convertCommand, mergeCommand } from './commands/export.js';
import { generateCommand } from './commands/generate.js';
import { inspectCommand } from './commands/inspect.js';
import { listCommand } from './commands/list.js';
import { schemaCommand } from './commands/schema.js';
import { trainCommand } from './commands/train.js';
import { line, processTerminal, type Screen, type Terminal } from './terminal.js';
import { version } from './version.js';

/** Runs one command; the exit code is 0 for success, 130 after Ctrl-C, else 1. */
export async function main(args: readonly string[], terminal: Terminal = processTerminal): Promise<number> {
  const result = { exitCode: 0 };
  const bar = phaseBar(terminal.err, terminal.now === undefined ? {} : { now: terminal.now });
  const screen: Screen = { ...terminal, bar };
  const program = new Command('loran')
    .description(
      'Low-rank adapters for TypeScript: trains and measures LoRA, QLoRA and LoRAN adapters, generates with them, merges and converts them.',
    )
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void terminal.out.write(text),
      writeErr: (text) => void terminal.err.write(text),
    })
    .showSuggestionAfterError();
  const using = [trainCommand, estimateCommand, evaluateCommand, generateCommand];
  const writing = [mergeCommand, convertCommand, combineCommand, reduceCommand];
  const commands = [...using, ...writing, analyseCommand, inspectCommand, listCommand, schemaCommand];
  for (const command of [...commands, completionCommand]) command(program, screen, result);
  try {
    await program.parseAsync(args, { from: 'user' });
    return result.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    bar.clear();
    line(terminal.err, LoranError.is(error) ? `error ${error.code}: ${error.message}` : `error: ${trace(error)}`);
    return 1;
  } finally {
    await closeEngine();
  }
}

/** An error that nobody foresaw is shown with where it arose. */
function trace(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
