/**
 * Bytes that can be read in ranges: a file on disk, a buffer, ranges of a download.
 * Readers take this instead of a path, so that a file of many gigabytes is never held whole.
 */
import fs from 'node:fs/promises';
import { TensorFileError } from './tensor-file-error.js';

export interface ByteSource {
  /** What errors call it: a path or an address. */
  readonly name: string;
  /** Bytes in all. */
  readonly size: number;
  /** Exactly `length` bytes from `offset`; a source that cannot deliver them throws. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
  /** The same bytes, opened anew though this was closed; absent where that cannot be. Throws FILE_CHANGED, and what opening does. */
  reopen?(): Promise<ByteSource>;
}

const largestRead = 1 << 30; // one system call takes less than 2 GiB

/** A file on disk. Throws FILE_NOT_FOUND, or FILE_UNREADABLE when it is a folder or may not be read. */
export async function fileSource(path: string): Promise<ByteSource> {
  const handle = await fs.open(path, 'r').catch((cause: unknown) => {
    throw openError(path, cause);
  });
  const stat = await handle.stat();
  if (!stat.isFile()) {
    await handle.close();
    throw new TensorFileError(
      'FILE_UNREADABLE',
      path,
      `is ${stat.isDirectory() ? 'a folder' : 'no regular file'}; expected a file of tensors.`,
    );
  }
  let open = true;
  return {
    name: path,
    size: stat.size,
    async read(offset, length) {
      if (!open)
        throw new TensorFileError(
          'FILE_CLOSED',
          path,
          'was closed and is read again; read what is needed before close().',
        );
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length;) {
        const { bytesRead } = await handle.read(bytes, done, Math.min(length - done, largestRead), offset + done);
        if (bytesRead === 0) {
          throw new TensorFileError(
            'FILE_TRUNCATED',
            path,
            `ended after byte ${offset + done} although it had ${stat.size} bytes when it was opened; was it replaced meanwhile?`,
          );
        }
        done += bytesRead;
      }
      return bytes;
    },
    async close() {
      if (!open) return;
      open = false;
      await handle.close();
    },
    async reopen() {
      const now = await fs.stat(path).catch(() => undefined);
      if (now !== undefined && (now.size !== stat.size || now.mtimeMs !== stat.mtimeMs)) {
        throw new TensorFileError(
          'FILE_CHANGED',
          path,
          'was changed or replaced since it was first opened. Load the model again.',
        );
      }
      return fileSource(path);
    },
  };
}

function openError(path: string, cause: unknown): TensorFileError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new TensorFileError('FILE_NOT_FOUND', path, 'does not exist; check the path.', { cause });
  }
  return new TensorFileError('FILE_UNREADABLE', path, `cannot be opened for reading (${code}).`, { cause });
}
