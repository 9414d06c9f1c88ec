import type { Command } from 'commander';
import { inspect, type Inspection, Services } from '@loran/experiments';
import { type LabFlags, labOf } from '../lab-flags.js';
import { line, type Screen } from '../terminal.js';

export function inspectCommand(program: Command, terminal: Screen): void {
  program
    .command('inspect')
    .description('what an adapter, a model, a .gguf or .safetensors file holds, without reading its weights')
    .argument('<path>', "folder, file, or name on the Hugging Face hub: 'org/name'")
    .option('--tensors', 'every tensor by name')
    .option('--offline', 'use only what the cache of the hub holds')
    .option('--json', 'one JSON object')
    .action(async (target: string, flags: LabFlags & { readonly tensors?: boolean }) => {
      const lab = await labOf(flags, terminal);
      const found = await inspect(target, lab.container.get(Services.download));
      if (flags.json === true) return line(terminal.out, JSON.stringify(found, bigints));
      for (const text of inspectionLines(found, flags.tensors === true)) line(terminal.out, text);
    });
}

/** A few lines that say what it is; long values are shortened. */
function inspectionLines({ path, kind, facts, tensors, parameters, bytes }: Inspection, all: boolean): string[] {
  const dtypes = [...new Set(tensors.map(({ dtype }) => dtype))].map(
    (dtype) => `${tensors.filter((tensor) => tensor.dtype === dtype).length} ${dtype}`,
  );
  return [
    `${path}: ${kind}, ${parameters.toLocaleString('en-US')} parameters in ${tensors.length} tensors (${dtypes.join(', ')}), ${(bytes / 1e6).toFixed(1)} MB`,
    ...Object.entries(facts).map(([name, value]) => `  ${name}: ${short(value)}`),
    ...(all ? tensors.map(({ name, dtype, shape }) => `  ${name}  ${dtype} [${shape.join(', ')}]`) : []),
  ];
}

function short(value: unknown): string {
  if (ArrayBuffer.isView(value) || (Array.isArray(value) && value.length > 12)) {
    const items = Array.from(value as ArrayLike<unknown>);
    return `${items.length} values, ${items.slice(0, 3).map(short).join(', ')}, …`;
  }
  const text = typeof value === 'string' ? value : JSON.stringify(value, bigints);
  const flat = text.replaceAll('\n', '\\n');
  return flat.length > 100 ? `${flat.slice(0, 99)}…` : flat;
}

const bigints = (_: string, value: unknown): unknown =>
  typeof value === 'bigint' ? value.toString() : ArrayBuffer.isView(value) ? Array.from(value as never) : value;
