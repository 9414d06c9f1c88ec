/**
 * Where an op was called: the first frame below tfjs on the stack of the kernel that appends it. For errors, which come later.
 */
const tfjs = /[/\\]tf(js)?-core\b/;

/** "file:line:column"; null where the stack shows no such frame. */
export function callSite(): string | null {
  const holder: { stack?: string } = {};
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 40;
  Error.captureStackTrace(holder, callSite);
  Error.stackTraceLimit = stackTraceLimit;
  const frames = (holder.stack ?? '').split('\n').slice(1);
  const top = frames.findIndex((frame) => tfjs.test(frame));
  const caller = frames.slice(top).find((frame) => !tfjs.test(frame));
  return caller === undefined || top < 0
    ? null
    : (/\(?((?:file:|[/\\]|[A-Z]:|node:)[^()]*:\d+:\d+)\)?$/.exec(caller)?.[1] ?? null);
}
