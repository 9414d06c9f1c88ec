/**
 * Renders a Jinja template within bounds of time and memory.
 *
 * Templates come with models, so they may be anybody's: they run in a thread of their own, which ends after a deadline or when
 * its memory is full. @huggingface/jinja evaluates them without JavaScript's own objects in reach, but has no limits itself.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { ModelError } from '../model-error.js';

export interface TemplateLimits {
  /** Seconds for one template. */
  readonly seconds: number;
  /** Megabytes of values and text. */
  readonly megabytes: number;
}

export const templateLimits: TemplateLimits = { seconds: 10, megabytes: 256 };

// Beside both src and dist: one plain file that no compiler touches.
const workerFile = new URL('../../worker/chat-worker.mjs', import.meta.url);
const longestText = 1 << 25; // characters; a context of a million tokens has fewer

type Reply = { readonly text: string } | { readonly error: string };

let last: Promise<unknown> = Promise.resolve(); // one template at a time
let idle: Worker | undefined;

/** Values reach the template as JSON has them. Throws CHAT_TEMPLATE: what the template raises, or the limit it ran into. */
export function renderTemplate(
  template: string,
  variables: Readonly<Record<string, unknown>>,
  limits: TemplateLimits = templateLimits,
): Promise<string> {
  const plain = JSON.parse(JSON.stringify(variables)) as unknown;
  const result = last.then(() => render(template, plain, limits));
  last = result.catch(() => undefined);
  return result;
}

async function render(template: string, variables: unknown, limits: TemplateLimits): Promise<string> {
  const worker = idle ?? (await startWorker(limits));
  idle = undefined;
  worker.ref();
  const reply = await answer(worker, { template, variables }, limits);
  worker.unref();
  if ('text' in reply) {
    idle = worker;
    return reply.text;
  }
  await worker.terminate(); // whatever went wrong, the next template gets a fresh thread
  throw new ModelError('CHAT_TEMPLATE', `The chat template cannot write this conversation: ${reply.error}.`);
}

function answer(worker: Worker, request: unknown, { seconds, megabytes }: TemplateLimits): Promise<Reply> {
  return new Promise((resolve) => {
    const settle = (reply: Reply): void => {
      clearTimeout(timer);
      worker.off('message', settle).off('error', onError).off('exit', onExit);
      resolve(reply);
    };
    const onError = (error: NodeJS.ErrnoException): void => {
      const full = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
      settle({ error: full ? `it takes more than ${megabytes} MB of memory` : error.message });
    };
    const onExit = (code: number): void => settle({ error: `it ended its thread with code ${code}` });
    const timer = setTimeout(() => settle({ error: `it does not end within ${seconds} seconds` }), seconds * 1000);
    worker.on('message', settle).on('error', onError).on('exit', onExit);
    worker.postMessage(request);
  });
}

async function startWorker({ megabytes }: TemplateLimits): Promise<Worker> {
  const worker = new Worker(workerFile, {
    workerData: { longest: longestText },
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: megabytes, maxYoungGenerationSizeMb: 32, stackSizeMb: 4 },
  });
  await once(worker, 'online'); // or its error
  return worker;
}
