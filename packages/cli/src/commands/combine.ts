import { type Command, Option } from 'commander';
import { combinationTypes } from '@loran/adapter';
import type { CombineFoldersOptions } from '@loran/experiments';
import { base, number, numbers, repeated } from '../flag-values.js';
import { configured, type LabFlags, labOf, pick, withLabFlags } from '../lab-flags.js';
import { line, type Screen } from '../terminal.js';

export function combineCommand(program: Command, screen: Screen): void {
  const { out, err } = screen;
  withLabFlags(program.command('combine'))
    .description('combine adapters of one model into a new adapter, by weights')
    .option('--model <path>', 'model that the adapters were trained on')
    .option('--adapter <folder>', 'adapter folder or its name on the hub; repeat it for each', repeated)
    .option('--weights <list>', 'one number for each adapter, separated by commas; negative to subtract', numbers)
    .addOption(
      new Option(
        '--type <name>',
        "cat is exact and as large as all; svd is cut to a rank; the others are PEFT's (default: svd)",
      ).choices([...combinationTypes]),
    )
    .option('--density <share>', 'share of values that ties, dare and magnitude_prune keep', number)
    .addOption(
      new Option('--election <way>', 'how ties and dare_ties elect signs (default: total)').choices([
        'total',
        'frequency',
      ]),
    )
    .option('--rank <n>', 'rank of types that end in svd (default: the largest of the adapters)', number)
    .option('--seed <n>', "of dare's random choices (default: 0)", number)
    .option(
      '--base <name>',
      "storage of the frozen weights (default: that of the first adapter's training, or fp32)",
      base,
    )
    .option('--output <folder>', 'folder to write')
    .option('--overwrite', 'replace what is there')
    .addHelpText(
      'after',
      `
Example:
  loran combine --model org/name --adapter ./tone --adapter ./facts --weights 0.7,0.3 \\
    --type ties --density 0.5 --output ./both`,
    )
    .action(async (flags: LabFlags & { readonly adapter?: readonly string[] }) => {
      const given = {
        ...pick(flags as never, [
          'model',
          'weights',
          'type',
          'density',
          'election',
          'rank',
          'seed',
          'base',
          'output',
          'overwrite',
        ]),
        ...(flags.adapter === undefined ? {} : { adapters: flags.adapter }),
      };
      const options = await configured(flags, given);
      const lab = await labOf(flags, screen);
      const { warnings, ...result } = await lab.combine(options as unknown as CombineFoldersOptions);
      for (const warning of warnings) line(err, `warning: ${warning}`);
      const lost =
        result.lost > 0 ? `; cutting to the rank took at most ${(100 * result.lost).toFixed(1)} % of an update` : '';
      line(out, flags.json === true ? JSON.stringify({ ...result, warnings }) : `Written: ${result.output}${lost}`);
    });
}
