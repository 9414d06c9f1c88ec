/**
 * Renders chat templates in a thread of its own, which can be ended when a template does not end by itself: the library has no
 * limit on steps or memory, and templates come with models from anywhere.
 *
 *   in   { template, variables }      out   { text } or { error }
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Template } from '@huggingface/jinja';

const parsed = new Map(); // template -> Template, the last few

function parse(template) {
  const known = parsed.get(template);
  if (known !== undefined) return known;
  const made = new Template(template);
  if (parsed.size === 8) parsed.clear();
  parsed.set(template, made);
  return made;
}

parentPort.on('message', ({ template, variables }) => {
  try {
    const text = parse(template).render(variables);
    if (text.length > workerData.longest) {
      throw new Error(`it writes ${text.length} characters; ${workerData.longest} are allowed`);
    }
    parentPort.postMessage({ text });
  } catch (error) {
    parentPort.postMessage({ error: error instanceof Error ? error.message : String(error) });
  }
});
