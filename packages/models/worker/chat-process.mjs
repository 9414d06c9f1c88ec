/**
 * Renders chat templates in a process of its own, which can be ended when a template does not end by itself: the library has no
 * limit on steps or memory, templates come with models from anywhere, and a thread that runs out of memory may take its whole
 * process along.
 *
 *   in   { template, variables, longest }      out   { text } or { error }
 */
import { Template } from '@huggingface/jinja';
import { useFromNowOn } from './python-values.mjs';

useFromNowOn();

const parsed = new Map(); // template -> Template, the last few

function parse(template) {
  const known = parsed.get(template);
  if (known !== undefined) return known;
  const made = new Template(template);
  if (parsed.size === 8) parsed.clear();
  parsed.set(template, made);
  return made;
}

process.on('message', ({ template, variables, longest }) => {
  try {
    const text = parse(template).render(variables);
    if (text.length > longest) throw new Error(`it writes ${text.length} characters; ${longest} are allowed`);
    process.send({ text });
  } catch (error) {
    process.send({ error: error instanceof Error ? error.message : String(error) });
  }
});
process.send('ready');
