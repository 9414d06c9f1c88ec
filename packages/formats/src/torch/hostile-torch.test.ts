/** Files of torch made to do harm, or damaged: refused with a reason, little memory taken, nothing executed. */
import { LoranError } from '@loran/plugin';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { bufferSource, damaged } from '../__fixtures__/bytes.js';
import {
  number,
  pickleOf,
  string,
  type TensorParts,
  tensorOf,
  torchOf,
  type ZipPart,
  zipOf,
} from '../__fixtures__/torch-bytes.js';
import { openTorch } from './open-torch.js';

const source = (bytes: Uint8Array) => bufferSource(bytes, bytes.length, 'model.bin');
const withTensor = (tensor: TensorParts) => torchOf(pickleOf('}', string('a'), tensorOf(tensor), 's.'));
const good = pickleOf('}', string('a'), tensorOf(), 's.');
const many = (part: string, count: number) => part.repeat(count);

test.each<[string, Uint8Array, RegExp]>([
  [
    'a call of os.system',
    pickleOf('cos\nsystem\n', '(', string('echo'), 'tR.'),
    /"os\.system".*Nothing of it was executed/,
  ],
  [
    'the same by STACK_GLOBAL',
    pickleOf(string('builtins'), string('eval'), 0x93, '(', string('1'), 'tR.'),
    /"builtins\.eval"/,
  ],
  ['a name of many lines', pickleOf('c' + many('x', 300) + '\nsystem\n.'), /a name without an end/],
  ['an object (NEWOBJ)', pickleOf('ccollections\nOrderedDict\n', ')', 0x81, '.'), /opcode NEWOBJ/],
  ['an instance (INST)', pickleOf('(ios\nsystem\n.'), /opcode INST/],
  ['an unknown opcode', pickleOf(0xff, '.'), /opcode 0xff/],
  ['protocol 0', Uint8Array.of(0x80, 0, 0x2e), /protocol 0; expected 2 to 5/],
  [
    'a storage that is called',
    pickleOf('ctorch\nFloatStorage\n', ')R.'),
    /calls torch\.FloatStorage with other things/,
  ],
  [
    'an OrderedDict of contents',
    pickleOf('ccollections\nOrderedDict\n', '(]tR.'),
    /calls collections\.OrderedDict with other things/,
  ],
  ['a number that is called', pickleOf('N)R.'), /calls something that is no function/],
  ['attributes of a tensor', pickleOf(tensorOf(), '}b.'), /something else for a dictionary/],
  ['a persistent id that is a string', pickleOf(string('0'), 'Q.'), /refers to a storage in another way/],
  [
    'a persistent id of another type',
    pickleOf('(', string('storage'), 'ccollections\nOrderedDict\n', string('0'), string('cpu'), number(4), 'tQ.'),
    /in another way/,
  ],
  ['an empty stack', pickleOf('0.'), /opcode 0x30/],
  ['nothing', pickleOf('.'), /empty stack/],
  ['no STOP', pickleOf('}'), /ends after 3 bytes/],
  ['too much', pickleOf('}}.'), /leaves values behind/],
  ['a mark for a value', pickleOf('(.'), /a mark for a value/],
  ['a tuple without a mark', pickleOf('Nt.'), /lacks a mark/],
  ['a key without a value', pickleOf('}(', string('a'), 'u.'), /a key without a value/],
  ['a key twice', pickleOf('}(', string('a'), tensorOf(), string('a'), tensorOf(), 'u.'), /key "a" twice/],
  ['a dictionary for a key', pickleOf('}}Ns.'), /a key that is no string/],
  ['a number for a key', pickleOf('}K\x01', tensorOf(), 's.'), /entry 1 has a number for its name/],
  ['an item of a list', pickleOf(']', string('a'), 'Ns.'), /something else for a dictionary/],
  ['a list', pickleOf(']Na.'), /holds a list of 1; expected a state dict/],
  ['a value never remembered', pickleOf('h\x07.'), /recalls value 7/],
  ['a string of 4 GiB', pickleOf('X', 0xff, 0xff, 0xff, 0xff, '.'), /in the middle of a value/],
  ['a string of 2^63 bytes', pickleOf(0x8d, 0, 0, 0, 0, 0, 0, 0, 0x80, '.'), /claims 9223372036854775808 bytes/],
  ['a number of 2^2000', pickleOf(0x8a, 250, new Uint8Array(249).fill(1), 0x01, '.'), /beyond any size/],
  ['a string that is no UTF-8', pickleOf('X', 1, 0, 0, 0, 0xff, '.'), /not UTF-8/],
  ['a thousand levels of marks', pickleOf(many('(', 1000), '.'), /more than 64 levels/],
  ['two million values', pickleOf(many('N', 2e6), '.'), /more than 1000000 values/],
  ['a million dictionaries', pickleOf(many('}', 1e6), '.'), /more than 500000 lists and dictionaries/],
  ['a dictionary in itself', pickleOf('}q\x00', string('a'), 'h\x00s.'), /"a" is a dictionary of 1/],
  [
    'a hundred thousand levels of tuples',
    pickleOf('}', string('a'), ')', new Uint8Array(1e5).fill(0x85), 's.'),
    /"a" is a tuple of 1/,
  ],
  [
    'two to the hundredth of a value (a billion laughs)',
    pickleOf(
      '}',
      string('a'),
      ')q\x00',
      ...Array.from({ length: 100 }, () => ['h\x00h\x00', 0x86, 'q\x00']).flat(),
      's.',
    ),
    /something else for a dictionary/,
  ],
])('a pickle with %s', async (_, pickle, message) => {
  const opening = openTorch(source(torchOf(pickle)));
  await expect(opening).rejects.toMatchObject({ code: expect.stringMatching(/^TORCH_(PICKLE|TENSOR)$/) as string });
  await expect(opening).rejects.toThrow(message);
});

test.each<[string, Uint8Array, RegExp]>([
  ['beyond its storage', withTensor({ shape: [5] }), /from element 0 on goes beyond its storage of 4/],
  ['that begins beyond its storage', withTensor({ offset: 3, shape: [2] }), /from element 3 on/],
  [
    'of sizes whose product overflows',
    withTensor({ shape: Array.from({ length: 31 }, () => 65535), strides: Array.from({ length: 31 }, () => 1) }),
    /view with strides/,
  ],
  [
    'of many dimensions',
    withTensor({ shape: Array.from({ length: 33 }, () => 1), strides: Array.from({ length: 33 }, () => 1) }),
    /with other things/,
  ],
  ['that repeats one row', withTensor({ shape: [60000, 4], strides: [0, 1] }), /view with strides \[0, 1\]/],
  ['with fewer strides', withTensor({ shape: [2, 2] }), /with other things/],
  ['whose storage is missing', withTensor({ key: '7' }), /storage "7" are missing/],
  ['whose storage is outside the data', withTensor({ key: '../data.pkl' }), /missing/],
  ['whose storage has other bytes', withTensor({ count: 5 }), /should hold 5 numbers of F32, but has 16 bytes/],
  ['of an unknown type', withTensor({ type: 'QInt8Storage' }), /"torch\.QInt8Storage"/],
  [
    'shared by ten thousand names',
    torchOf(
      pickleOf(
        '}',
        ...Array.from({ length: 10_000 }, (_, i) => [
          string(`t${i}`),
          ...(i === 0 ? [tensorOf({ count: 25_000, shape: [25_000] }), 'q\x00'] : ['h\x00']),
          's',
        ]).flat(),
        '.',
      ),
      {
        0: new Uint8Array(100_000),
      },
    ),
    /64 times the file/,
  ],
])('a tensor %s', async (_, bytes, message) => {
  await expect(openTorch(source(bytes))).rejects.toThrow(message);
});

const pickle: ZipPart = { name: 'a/data.pkl', data: good };
const storage: ZipPart = { name: 'a/data/0', data: new Uint8Array(16) };

test.each<[string, Uint8Array, RegExp]>([
  ['a compressed entry', zipOf([pickle, { ...storage, method: 8 }]), /"a\/data\/0" is compressed/],
  ['an encrypted entry', zipOf([pickle, { ...storage, flags: 1 }]), /is encrypted/],
  ['an entry larger than the file', zipOf([pickle, { ...storage, size: 2 ** 31 }]), /ends at byte 2147/],
  ['an entry of an exabyte', zipOf([pickle, { ...storage, size: 2 ** 50 }], { zip64: true }), /ends at byte/],
  ['an entry of other sizes', zipOf([pickle, { ...storage, storedSize: 3 }]), /has 3 bytes for 16/],
  ['entries that overlap', zipOf([pickle, { ...storage, header: 0 }]), /overlaps "a\/data.pkl"|overlaps "a\/data\/0"/],
  ['an entry at no header', zipOf([pickle, { ...storage, header: 60 }]), /overlaps|no header/],
  ['an entry behind the entries', zipOf([pickle, { ...storage, header: 1e6 }]), /begins behind/],
  ['a name twice', zipOf([pickle, storage, storage]), /"a\/data\/0" occurs twice/],
  ['more entries than it has', zipOf([pickle, storage], { count: 60_000 }), /does not fit the file/],
  ['2^40 entries', zipOf([pickle, storage], { count: 2 ** 40, zip64: true }), /does not fit the file/],
  ['fewer bytes', zipOf([pickle, storage]).slice(0, -1), /no end record/],
  ['no data.pkl', zipOf([storage]), /holds 0 files data\.pkl/],
  ['two of them', zipOf([pickle, storage, { ...pickle, name: 'b/data.pkl' }]), /holds 2 files/],
  ['a TorchScript program', torchOf(good, {}, [{ name: 'a/constants.pkl', data: good }]), /TorchScript/],
  [
    'big-endian numbers',
    torchOf(good, {}, [{ name: 'a/byteorder', data: new TextEncoder().encode('big') }]),
    /"big"-endian/,
  ],
  ['a Git LFS pointer', new TextEncoder().encode('version https://git-lfs.github.com/spec/v1'), /git lfs pull/],
  ['nothing', new Uint8Array(0), /no zip archive/],
])('an archive with %s', async (_, bytes, message) => {
  const opened = source(bytes);
  const opening = openTorch(opened);
  await expect(opening).rejects.toMatchObject({ code: expect.stringMatching(/^TORCH_/) as string });
  await expect(opening).rejects.toThrow(message);
  expect(opened.closed).toBe(true);
});

/** Opens it and reads every tensor, or is refused in our own words. */
async function survives(bytes: Uint8Array): Promise<void> {
  try {
    const file = await openTorch(source(bytes));
    for (const name of file.tensors.keys()) await file.read(name);
  } catch (error) {
    if (!LoranError.is(error)) throw error;
  }
}

test('a file with any bit flipped, or cut at any byte, is read or refused', async () => {
  for (const bytes of damaged(torchOf(good))) await survives(bytes);
});

test('any bytes for a pickle are refused, or a state dict', async () => {
  const opcodes = Array.from('(]}NtRQuesaqhKMJXcb)0.', (character) => character.charCodeAt(0));
  const byte = fc.oneof(
    fc.constantFrom(...opcodes, 0x80, 0x85, 0x86, 0x87, 0x88, 0x8a, 0x8c, 0x93, 0x94, 0x95),
    fc.integer({ min: 0, max: 255 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(byte, { maxLength: 60 }), fc.nat({ max: good.length }), async (bytes, at) => {
      const spliced = new Uint8Array([...good.slice(0, at), ...bytes, ...good.slice(at)]);
      await survives(torchOf(spliced));
      await survives(torchOf(Uint8Array.from(bytes)));
    }),
    { numRuns: 500 },
  );
});

test('a file of torch with its bytes changed is read or refused', async () => {
  const bytes = readFileSync(new URL('../__fixtures__/torch/state.bin', import.meta.url));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }),
      async (changes) => {
        const changed = new Uint8Array(bytes);
        for (const [at, value] of changes) changed[at] = value;
        await survives(changed);
      },
    ),
    { numRuns: 300 },
  );
});
