import type { SaveAdapterOptions } from './save-adapter.js';

/** The README.md of an adapter folder, with the front matter that model hubs read. */
export function modelCard(
  fields: Readonly<Record<string, unknown>>,
  method: string,
  { baseModel, description }: SaveAdapterOptions,
): string {
  const model = JSON.stringify(baseModel ?? '');
  return `---
base_model: ${model}
library_name: peft
tags:
- base_model:adapter:${model}
- ${method}
---

# A ${method} adapter${baseModel === undefined ? '' : ` for ${baseModel}`}

${description ?? 'Trained with loran.'}

| field | value |
|---|---|
${Object.entries(fields)
  .filter(([, value]) => value !== null)
  .map(([name, value]) => `| ${name} | \`${JSON.stringify(value)}\` |`)
  .join('\n')}
`;
}
