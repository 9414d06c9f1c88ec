import { Argument, type Command } from 'commander';
import { type ConfigurationKind, configurationKinds, configurationSchema } from '@loran/experiments';
import { line, type Terminal } from '../terminal.js';

export function schemaCommand(program: Command, { out }: Terminal): void {
  program
    .command('schema')
    .description('the JSON Schema of a configuration file, for editors; also in the package: loran/schema/train.json')
    .addArgument(new Argument('<verb>', 'what the configuration is for').choices(configurationKinds))
    .action((kind: ConfigurationKind) => {
      line(out, JSON.stringify(configurationSchema(kind), null, 2));
    });
}
