import { LoranError } from '@loran/plugin';

/** Strings are stored on the host and read back; no op computes on them. */
export function stringsUnsupported(op: string): LoranError {
  return new LoranError(
    'DTYPE_UNSUPPORTED',
    `${op} of strings is not available on the engine 'onnxruntime', whose graphs hold numbers. Use tfjs's 'cpu' backend for it.`,
  );
}
