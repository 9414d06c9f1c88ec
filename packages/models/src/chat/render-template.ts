/**
 * Renders a Jinja template within bounds of time and memory.
 *
 * Templates come with models, so they may be anybody's: they run in a process of their own, which is ended after a deadline or
 * when its memory is full. @huggingface/jinja evaluates them without JavaScript's own objects in reach, but has no limits itself;
 * and Node cannot hold a thread to its memory: a large list takes the whole process along.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ModelError } from '../model-error.js';

export interface TemplateLimits {
  /** Seconds for one template. */
  readonly seconds: number;
  /** Megabytes of values and text. */
  readonly megabytes: number;
}

const templateLimits: TemplateLimits = { seconds: 10, megabytes: 256 };

// Beside both src and dist: plain files that no compiler touches.
const program = fileURLToPath(new URL('../../worker/chat-process.mjs', import.meta.url));
const longest = 1 << 25; // characters; a context of a million tokens has fewer

type Reply = { readonly text: string } | { readonly error: string };

let last: Promise<unknown> = Promise.resolve(); // one template at a time
let idle: ChildProcess | undefined;

/** Values reach the template as JSON has them. Throws CHAT_TEMPLATE: what the template raises, or the limit it ran into. */
export function renderTemplate(
  template: string,
  variables: Readonly<Record<string, unknown>>,
  limits: TemplateLimits = templateLimits,
): Promise<string> {
  const plain = JSON.parse(JSON.stringify(variables)) as unknown;
  const result = last.then(() => render({ template, variables: plain, longest }, limits));
  last = result.catch(() => undefined);
  return result;
}

async function render(request: object, limits: TemplateLimits): Promise<string> {
  const child = idle ?? (await start(limits));
  idle = undefined;
  hold(child, true);
  const reply = await answer(child, request, limits);
  hold(child, false);
  if ('text' in reply) {
    idle = child;
    return reply.text;
  }
  child.kill('SIGKILL'); // whatever went wrong, the next template gets a fresh process
  throw new ModelError('CHAT_TEMPLATE', `The chat template cannot write this conversation: ${reply.error}.`);
}

function answer(child: ChildProcess, request: object, { seconds, megabytes }: TemplateLimits): Promise<Reply> {
  return new Promise((resolve) => {
    const settle = (reply: Reply): void => {
      clearTimeout(timer);
      child.off('message', onMessage).off('error', onError).off('exit', onExit);
      resolve(reply);
    };
    const onMessage = (reply: unknown): void => settle(reply as Reply);
    const onError = (error: Error): void => settle({ error: error.message });
    const onExit = (): void => settle({ error: `it takes more than ${megabytes} MB of memory` });
    const timer = setTimeout(() => settle({ error: `it does not end within ${seconds} seconds` }), seconds * 1000);
    child.on('message', onMessage).on('error', onError).on('exit', onExit);
    child.send(request);
  });
}

/** Nothing of the environment is passed on but what local time needs. */
async function start({ megabytes }: TemplateLimits): Promise<ChildProcess> {
  const { TZ, SystemRoot } = process.env;
  const child = fork(program, {
    execArgv: [`--max-old-space-size=${megabytes}`, '--stack-size=900'],
    env: { ...(TZ === undefined ? {} : { TZ }), ...(SystemRoot === undefined ? {} : { SystemRoot }) },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  await new Promise<void>((resolve, reject) => {
    const failed = (cause?: unknown): void =>
      reject(new ModelError('CHAT_TEMPLATE', 'The process that renders chat templates does not start.', { cause }));
    child.once('message', () => {
      child.off('error', failed).off('exit', failed);
      resolve();
    });
    child.once('error', failed).once('exit', failed);
  });
  child.on('exit', () => {
    if (idle === child) idle = undefined;
  });
  return child;
}

/** Whether the process that waits keeps this one alive. */
function hold(child: ChildProcess, held: boolean): void {
  if (held) {
    child.ref();
    child.channel?.ref();
  } else {
    child.unref();
    child.channel?.unref();
  }
}
