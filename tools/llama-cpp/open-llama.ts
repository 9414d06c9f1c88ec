/**
 * llama.cpp, as the npm package node-llama-cpp brings it, from a folder where `npm install --prefix FOLDER node-llama-cpp` was run:
 * it is no dependency of this repository, since it comes with binaries of its own.
 */
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** As far as it is used here. */
export interface Llama {
  loadModel(options: object): Promise<LlamaModel>;
  dispose(): Promise<void>;
}

export interface LlamaModel {
  readonly fileInfo: { readonly metadata: { readonly tokenizer: { readonly ggml: { readonly tokens: unknown[] } } } };
  tokenize(text: string): number[];
  createContext(options: object): Promise<{ getSequence(): LlamaSequence }>;
  dispose(): Promise<void>;
}

interface LlamaSequence {
  evaluate(tokens: number[], options: object): AsyncGenerator<number>;
  clearHistory(): Promise<void>;
}

/** On the CPU. Throws what Node does where the folder does not have the package. */
export async function openLlama(folder: string, threads: number): Promise<Llama> {
  const library = 'node-llama-cpp';
  const require = createRequire(path.resolve(folder, 'package.json'));
  const { getLlama } = (await import(pathToFileURL(require.resolve(library)).href)) as {
    readonly getLlama: (options: object) => Promise<Llama>;
  };
  return getLlama({ gpu: false, build: 'never', progressLogs: false, maxThreads: threads });
}
