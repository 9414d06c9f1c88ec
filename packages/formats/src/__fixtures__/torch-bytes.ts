/** Zip archives and pickles made by hand for the tests, right or wrong. */

export interface ZipPart {
  readonly name: string;
  readonly data: Uint8Array;
  readonly method?: number;
  readonly flags?: number;
  /** What the directory says instead of the truth. */
  readonly size?: number;
  readonly storedSize?: number;
  readonly header?: number;
}

const text = (value: string) => new TextEncoder().encode(value);
const bytes = (size: number, fill: (view: DataView) => void) => {
  const out = new Uint8Array(size);
  fill(new DataView(out.buffer));
  return out;
};
const joined = (parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

/** An archive of these entries. `zip64`: sizes and places in 64 bits, as in archives beyond 4 GiB. */
export function zipOf(parts: readonly ZipPart[], { zip64 = false, count = parts.length, comment = '' } = {}): Uint8Array {
  const out: Uint8Array[] = [];
  const central: Uint8Array[] = [];
  let at = 0;
  for (const { name, data, method = 0, flags = 0x800, size = data.length, storedSize = size, header = at } of parts) {
    const nameBytes = text(name);
    const local = bytes(30, (view) => {
      view.setUint32(0, 0x04034b50, true);
      view.setUint16(26, nameBytes.length, true);
      view.setUint16(28, 3, true); // some padding, as torch aligns its data
    });
    out.push(local, nameBytes, new Uint8Array(3), data);
    const extra = zip64
      ? bytes(28, (view) => {
          view.setUint16(0, 1, true);
          view.setUint16(2, 24, true);
          view.setBigUint64(4, BigInt(size), true);
          view.setBigUint64(12, BigInt(storedSize), true);
          view.setBigUint64(20, BigInt(header), true);
        })
      : new Uint8Array(0);
    central.push(
      bytes(46, (view) => {
        view.setUint32(0, 0x02014b50, true);
        view.setUint16(8, flags, true);
        view.setUint16(10, method, true);
        view.setUint32(20, zip64 ? 0xffffffff : storedSize, true);
        view.setUint32(24, zip64 ? 0xffffffff : size, true);
        view.setUint16(28, nameBytes.length, true);
        view.setUint16(30, extra.length, true);
        view.setUint32(42, zip64 ? 0xffffffff : header, true);
      }),
      nameBytes,
      extra,
    );
    at += 33 + nameBytes.length + data.length;
  }
  const directory = joined(central);
  const wide = bytes(56 + 20, (view) => {
    view.setUint32(0, 0x06064b50, true);
    view.setBigUint64(32, BigInt(count), true);
    view.setBigUint64(40, BigInt(directory.length), true);
    view.setBigUint64(48, BigInt(at), true);
    view.setUint32(56, 0x07064b50, true);
    view.setBigUint64(64, BigInt(at + directory.length), true);
  });
  const end = bytes(22, (view) => {
    view.setUint32(0, 0x06054b50, true);
    view.setUint16(10, zip64 ? 0xffff : count, true);
    view.setUint32(12, zip64 ? 0xffffffff : directory.length, true);
    view.setUint32(16, zip64 ? 0xffffffff : at, true);
    view.setUint16(20, comment.length, true);
  });
  return joined([...out, directory, ...(zip64 ? [wide] : []), end, text(comment)]);
}

/** A pickle of these parts, in protocol 2: text as it is, numbers as bytes. */
export const pickleOf = (...parts: readonly (string | number | Uint8Array)[]): Uint8Array =>
  joined([
    Uint8Array.of(0x80, 2),
    ...parts.map((part) => (typeof part === 'string' ? text(part) : typeof part === 'number' ? Uint8Array.of(part) : part)),
  ]);

/** Opcodes for a short string, and for a number below 65536. */
export const string = (value: string): Uint8Array => joined([text('X'), bytes(4, (v) => v.setUint32(0, text(value).length, true)), text(value)]);
export const number = (value: number): Uint8Array => joined([text('M'), bytes(2, (v) => v.setUint16(0, value, true))]);

export interface TensorParts {
  readonly key?: string;
  readonly count?: number;
  readonly offset?: number;
  readonly shape?: readonly number[];
  readonly strides?: readonly number[];
  readonly type?: string;
}

/** Opcodes that rebuild a tensor. */
export function tensorOf({ key = '0', count = 4, offset = 0, shape = [4], strides = [1], type = 'FloatStorage' }: TensorParts = {}): Uint8Array {
  const storage = ['(', string('storage'), `ctorch\n${type}\n`, string(key), string('cpu'), number(count), 'tQ'];
  const sizes = (values: readonly number[]) => ['(', ...values.map(number), 't'];
  const rest = [0x89, '}', 't', 'R'];
  return pickleOf('ctorch._utils\n_rebuild_tensor_v2\n', '(', ...storage, number(offset), ...sizes(shape), ...sizes(strides), ...rest).slice(2);
}

/** A file of torch with this pickle and storages. */
export const torchOf = (pickle: Uint8Array, storages: Readonly<Record<string, Uint8Array>> = { 0: new Uint8Array(16) }, more: readonly ZipPart[] = []): Uint8Array =>
  zipOf([
    { name: 'a/data.pkl', data: pickle },
    ...Object.entries(storages).map(([key, data]) => ({ name: `a/data/${key}`, data })),
    ...more,
  ]);
