/**
 * Type-checks the TypeScript blocks of the documents against the source of the packages, so that no document shows a name, an option
 * or a shape that does not exist. A block may leave out where a value comes from: a name that it does not declare may be anything.
 */
import path from 'node:path';
import ts from 'typescript';

/** Diagnostics that only say that a block does not stand alone: a `return`, unknown names, and what follows from them. */
const incomplete = new Set([1108, 2304, 2552, 2580, 2582, 2583, 2584, 2591, 2593, 18004, 7005, 7006, 7031, 7034]);

/** Undeclared, unused and unhandled are fine in a document; everything else is as strict as our source. */
const lenient: ts.CompilerOptions = {
  noUnusedLocals: false,
  noEmit: true,
  composite: false,
  incremental: false,
  declaration: false,
  declarationMap: false,
  sourceMap: false,
};

export interface CodeBlock {
  /** Where it stands: 'packages/lora/README.md:20'. */
  readonly place: string;
  readonly code: string;
}

/** The ```ts blocks of a Markdown text. */
export function codeBlocksIn(file: string, markdown: string): CodeBlock[] {
  return [...markdown.matchAll(/^```ts\n([^]*?)^```$/gm)].map((match) => ({
    place: `${file}:${markdown.slice(0, match.index).split('\n').length}`,
    code: match[1]!,
  }));
}

/** One line for each error in the blocks. `root` is the workspace. */
export function checkCode(root: string, blocks: readonly CodeBlock[]): string[] {
  const base = ts.readConfigFile(path.join(root, 'tsconfig.base.json'), (file) => ts.sys.readFile(file)).config as {
    compilerOptions: object;
  };
  const { options } = ts.convertCompilerOptionsFromJson({ ...base.compilerOptions }, root);
  const files = new Map(
    blocks.map((block, index) => [path.join(root, 'tools/repo', `document-code-${index}.ts`), block]),
  );

  const host = ts.createCompilerHost({ ...options, ...lenient });
  const original = { ...host };
  host.fileExists = (file) => files.has(file) || original.fileExists(file);
  host.readFile = (file) => source(file) ?? original.readFile(file);
  host.getSourceFile = (file, language, ...rest) => {
    const text = source(file);
    return text === undefined
      ? original.getSourceFile(file, language, ...rest)
      : ts.createSourceFile(file, text, language);
  };
  function source(file: string): string | undefined {
    const block = files.get(file);
    return block && `export {};\n${block.code}`;
  }

  const program = ts.createProgram([...files.keys()], { ...options, ...lenient }, host);
  return [...files].flatMap(([file, { place }]) => {
    const parsed = program.getSourceFile(file);
    return [...program.getSyntacticDiagnostics(parsed), ...program.getSemanticDiagnostics(parsed)]
      .filter(({ code }) => !incomplete.has(code))
      .map(({ messageText, start = 0 }) => {
        const line = parsed!.getLineAndCharacterOfPosition(start).line; // the first line is ours
        return `${place}, line ${line} of the block: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
      });
  });
}
