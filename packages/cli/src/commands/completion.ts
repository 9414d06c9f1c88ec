import { Argument, type Command } from 'commander';
import { line, type Terminal } from '../terminal.js';

export function completionCommand(program: Command, { out }: Terminal): void {
  program
    .command('completion')
    .description('a script that completes verbs and flags in a shell')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .addHelpText(
      'after',
      `
Install:
  bash  loran completion bash >> ~/.bashrc
  zsh   loran completion zsh >> ~/.zshrc
  fish  loran completion fish > ~/.config/fish/completions/loran.fish`,
    )
    .action((shell: 'bash' | 'zsh' | 'fish') => {
      line(out, scripts[shell](verbsOf(program)));
    });
}

interface Verb {
  readonly name: string;
  readonly about: string;
  readonly flags: readonly { readonly name: string; readonly about: string; readonly values: readonly string[] }[];
}

function verbsOf(program: Command): Verb[] {
  return program.commands.map((command) => ({
    name: command.name(),
    about: command.description(),
    flags: command.options.map((option) => ({
      name: option.long ?? option.flags,
      about: option.description,
      values: option.argChoices ?? [],
    })),
  }));
}

/** Files are completed where a flag takes a path or anything else that the script does not know. */
const scripts = {
  bash: (verbs: readonly Verb[]): string => `_loran() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} words
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="${verbs.map(({ name }) => name).join(' ')}"
  else
    case "\${COMP_WORDS[1]} $before" in
${verbs.flatMap(({ name, flags }) => flags.filter(({ values }) => values.length > 0).map((flag) => `      "${name} ${flag.name}") words="${flag.values.join(' ')}" ;;`)).join('\n')}
      *) case "\${COMP_WORDS[1]}" in
${verbs.map(({ name, flags }) => `        ${name}) words="${flags.map((flag) => flag.name).join(' ')}" ;;`).join('\n')}
      esac ;;
    esac
  fi
  COMPREPLY=( $(compgen -W "$words" -- "$word") )
}
complete -o default -F _loran loran`,

  zsh: (verbs: readonly Verb[]): string => `#compdef loran
_loran() {
  local -a verbs
  verbs=(${verbs.map(({ name, about }) => quoted(`${name}:${about}`)).join(' ')})
  if (( CURRENT == 2 )); then _describe verb verbs; return; fi
  case $words[2] in
${verbs
  .map(
    ({ name, flags }) =>
      `    ${name}) _arguments ${flags.map((flag) => quoted(`${flag.name}[${flag.about.replaceAll(/[[\]:]/g, ' ')}]${flag.values.length > 0 ? `:value:(${flag.values.join(' ')})` : '::file:_files'}`)).join(' ')} '*:file:_files' ;;`,
  )
  .join('\n')}
  esac
}
compdef _loran loran`,

  fish: (verbs: readonly Verb[]): string =>
    verbs
      .flatMap(({ name, about, flags }) => [
        `complete -c loran -n __fish_use_subcommand -a ${name} -d ${quoted(about)}`,
        ...flags.map(
          (flag) =>
            `complete -c loran -n '__fish_seen_subcommand_from ${name}' -l ${flag.name.replace(/^--/, '')} -d ${quoted(flag.about)}${flag.values.length > 0 ? ` -x -a ${quoted(flag.values.join(' '))}` : ''}`,
        ),
      ])
      .join('\n'),
};

/** In single quotes of a shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
